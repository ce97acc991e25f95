/**
 * A device policy as a program for the kernel's virtual machine. It is run whenever a process of
 * the cgroup opens a device or makes a node, and answers 1 (allowed) or 0.
 *
 *   r2 = type, r3 = access asked for, r4 = major, r5 = minor    from struct bpf_cgroup_dev_ctx
 *   for each exception: is it this type, major, minor, access?  otherwise on to the next
 *     r0 = its answer, exit
 *   r0 = the default, exit
 *
 * linux/bpf.h `struct bpf_cgroup_dev_ctx`, kernel Documentation/bpf/standardization/instruction-set.rst
 */
import {
  BPF_ALU64,
  BPF_AND,
  BPF_DEVCG_ACC_MKNOD,
  BPF_DEVCG_ACC_READ,
  BPF_DEVCG_ACC_WRITE,
  BPF_DEVCG_DEV_BLOCK,
  BPF_DEVCG_DEV_CHAR,
  BPF_EXIT,
  BPF_JEQ,
  BPF_JMP,
  BPF_JNE,
  BPF_K,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_RSH,
  BPF_W,
  BPF_X,
} from '../kernel/constants.ts';
import type { DeviceException, DevicePolicy } from './device-rules.ts';

const [R0, R1, R2, R3, R4, R5, R6] = [0, 1, 2, 3, 4, 5, 6] as const;
const ACCESS = { r: BPF_DEVCG_ACC_READ, w: BPF_DEVCG_ACC_WRITE, m: BPF_DEVCG_ACC_MKNOD };
const ALL_ACCESS = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;

/** The instructions, eight bytes each: for the effect `attach-device-program`. */
export function assembleDeviceProgram({ otherwise, exceptions }: DevicePolicy): Uint8Array {
  const usual = otherwise === 'allow' ? 1 : 0;
  const instructions = [
    load(R2, 0), // access << 16 | type
    { ...move(R3, 0), code: BPF_ALU64 | BPF_MOV | BPF_X, source: R2 },
    alu(BPF_RSH, R3, 16),
    alu(BPF_AND, R2, 0xffff),
    load(R4, 4),
    load(R5, 8),
    ...exceptions.flatMap((exception) => examine(exception, usual)),
    ...answer(usual),
  ];
  return Uint8Array.from(instructions.flatMap(encode));
}

interface Instruction {
  code: number;
  target: number;
  source?: number;
  offset?: number;
  value?: number;
}

const load = (target: number, offset: number): Instruction => ({
  code: BPF_LDX | BPF_MEM | BPF_W,
  target,
  source: R1,
  offset,
});
const alu = (operation: number, target: number, value: number): Instruction => ({
  code: BPF_ALU64 | operation | BPF_K,
  target,
  value,
});
const move = (target: number, value: number) => alu(BPF_MOV, target, value);
const answer = (value: number) => [move(R0, value), { code: BPF_JMP | BPF_EXIT, target: 0 }];

/** The tests of one exception; each that fails jumps behind its answer, to the next one. */
function examine({ type, major, minor, access }: DeviceException, usual: number): Instruction[] {
  const kind = type === 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  const bits = [...access].reduce((all, letter) => all | ACCESS[letter as 'r' | 'w' | 'm'], 0);
  // An exception that allows has to cover all that is asked for; of one that denies a bit is enough.
  const asked = usual === 0 ? ~bits & ALL_ACCESS : bits;
  const tests: Instruction[] = [
    ...unless(BPF_JNE, R2, kind),
    ...(usual === 0 && asked === 0
      ? []
      : [
          { ...move(R6, 0), code: BPF_ALU64 | BPF_MOV | BPF_X, source: R3 },
          alu(BPF_AND, R6, asked),
          ...unless(usual === 0 ? BPF_JNE : BPF_JEQ, R6, 0),
        ]),
    ...(major === null ? [] : unless(BPF_JNE, R4, major)),
    ...(minor === null ? [] : unless(BPF_JNE, R5, minor)),
  ];
  const block = [...tests, ...answer(1 - usual)];
  return block.map((each, index) =>
    each.offset === NEXT ? { ...each, offset: block.length - index - 1 } : each,
  );
}

/** Stands for the offset of a jump to the next exception until the block's length is known. */
const NEXT = -1;

const unless = (comparison: number, target: number, value: number): Instruction[] => [
  { code: BPF_JMP | comparison | BPF_K, target, offset: NEXT, value },
];

/** linux/bpf.h `struct bpf_insn`: code, registers, offset of 16 and value of 32 bits. */
function encode({ code, target, source = 0, offset = 0, value = 0 }: Instruction): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(target | (source << 4), 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(value, 4);
  return [...bytes];
}
