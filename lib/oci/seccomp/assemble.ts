/**
 * A decision as a program for the kernel's classic BPF machine, which has one accumulator and jumps
 * forward only. It is written from its end to its beginning: what a jump leads to has its place by
 * then. A conditional jump reaches 255 instructions far, an unconditional one any distance.
 *
 * kernel Documentation/networking/filter.rst, Documentation/userspace-api/seccomp_filter.rst
 */
import {
  BPF_ABS,
  BPF_ALU,
  BPF_AND,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JMP,
  BPF_K,
  BPF_LD,
  BPF_MAXINSNS,
  BPF_RET,
  BPF_W,
} from '../../kernel/constants.ts';
import { OciError } from '../oci-error.ts';
import type { Decision, Question } from './decision.ts';

interface Instruction {
  code: number;
  /** How many instructions to leave out where the comparison holds, and where not. */
  yes?: number;
  no?: number;
  value: number;
}

const COMPARISON: Record<Question['is'], number> = {
  equal: BPF_JEQ,
  greater: BPF_JGT,
  'at-least': BPF_JGE,
};

const FARTHEST = 255;

/** The instructions, eight bytes each. Throws OciError when there are more than the kernel takes. */
export function assembleFilter(decision: Decision): Uint8Array {
  /** The last instruction first. */
  const code: Instruction[] = [];
  const places = new Map<Decision, number>();

  const add = (instruction: Instruction) => code.push(instruction) - 1;
  /** For the instruction that is added next. */
  const distanceTo = (place: number) => code.length - place - 1;

  /** A place in reach of a jump that is added within the next two instructions. */
  const near = (place: number) =>
    distanceTo(place) < FARTHEST
      ? place
      : add({ code: BPF_JMP | BPF_JA, value: distanceTo(place) });

  function put(it: Decision): number {
    const known = places.get(it);
    if (known !== undefined) return known;
    const place = 'answer' in it ? add({ code: BPF_RET | BPF_K, value: it.answer }) : ask(it);
    places.set(it, place);
    return place;
  }

  /** A question about the word that is in the accumulator already is entered behind its load. */
  const putAfter = (it: Decision, { load, mask }: Question) =>
    'load' in it && it.load === load && mask === undefined ? put(it) - 1 : put(it);

  function ask(question: Question): number {
    const { load, mask, is, value, yes, no } = question;
    // Both first: what one of them adds takes the other farther away.
    const [there, elsewhere] = [putAfter(no, question), putAfter(yes, question)];
    const [onNo, onYes] = [near(there), near(elsewhere)];
    add({
      code: BPF_JMP | COMPARISON[is] | BPF_K,
      yes: distanceTo(onYes),
      no: distanceTo(onNo),
      value,
    });
    if (mask !== undefined) add({ code: BPF_ALU | BPF_AND | BPF_K, value: mask });
    return add({ code: BPF_LD | BPF_W | BPF_ABS, value: load });
  }

  // The tree is entered at its root, which is added last.
  put(decision);
  if (code.length > BPF_MAXINSNS) {
    throw new OciError(
      `linux.seccomp: a filter of ${code.length} instructions, where the kernel takes ${BPF_MAXINSNS}; use fewer rules with arguments`,
    );
  }
  return Buffer.concat(code.reverse().map(encode));
}

/** linux/filter.h `struct sock_filter`. */
function encode({ code, yes = 0, no = 0, value }: Instruction): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
