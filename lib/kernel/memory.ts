/**
 * Memory that outlives one call: a shared anonymous mapping, seen from JavaScript as a Buffer and
 * known to the kernel by its address, with a bump allocator for texts, pointer arrays and
 * structures. Shared, so that what a cloned child writes into it is read by its parent.
 * mmap(2)
 */

import { type Argument, isLinked, type Linked } from './arguments.ts';
import { MAP_ANONYMOUS, MAP_SHARED, PROT_READ, PROT_WRITE } from './constants.ts';
import { architecture, rawSyscall, viewMemory } from './libc.ts';
import { signatures } from './signatures.ts';
import { SyscallError } from './syscall-error.ts';

export interface Memory {
  /** Where it begins in this process's address space. */
  address: number;
  bytes: Buffer;
  /** The same bytes. */
  halves: Uint32Array;
  /** Bytes handed out since the last reset; set it back to hand them out again. */
  used: number;
}

/** Maps `size` bytes. Throws SyscallError (ENOMEM). They stay mapped until the process ends. */
export function mapMemory(size: number): Memory {
  const args = [0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0];
  const address = rawSyscall(signatures.mmap[architecture()], args);
  if (address < 0 && address > -4096) throw new SyscallError('mmap', args, -address);
  const view = viewMemory(address, size);
  return { address, bytes: Buffer.from(view), halves: new Uint32Array(view), used: 0 };
}

/** The offset of `size` fresh bytes, aligned to 16. Throws RangeError when the mapping is full. */
export function reserve(memory: Memory, size: number): number {
  const offset = (memory.used + 15) & ~15;
  if (offset + size > memory.bytes.length) {
    throw new RangeError(
      `a call's arguments need ${offset + size} bytes, of ${memory.bytes.length}: ` +
        'shorten the command line or the environment',
    );
  }
  memory.used = offset + size;
  return offset;
}

/**
 * Writes a 64-bit word at an offset that is a multiple of 4. Without bigints, which are allocated:
 * a container's program has thousands of words.
 */
export function putWord({ halves }: Memory, offset: number, word: number): void {
  halves[offset >> 2] = word;
  halves[(offset >> 2) + 1] = Math.floor(word / 2 ** 32);
}

/** Copies `data` into the memory and returns its address. */
function place(memory: Memory, data: Uint8Array): number {
  const offset = reserve(memory, data.length);
  memory.bytes.set(data, offset);
  return memory.address + offset;
}

function placeText(memory: Memory, text: string): number {
  if (text.includes('\0')) throw new RangeError(`a NUL byte in ${JSON.stringify(text)}`);
  const length = Buffer.byteLength(text);
  const offset = reserve(memory, length + 1);
  memory.bytes.write(text, offset);
  memory.bytes[offset + length] = 0;
  return memory.address + offset;
}

/** A null-terminated array of pointers to texts. */
function placeTexts(memory: Memory, texts: readonly string[]): number {
  const offset = reserve(memory, 8 * (texts.length + 1));
  texts.forEach((text, i) => {
    putWord(memory, offset + 8 * i, placeText(memory, text));
  });
  putWord(memory, offset + 8 * texts.length, 0);
  return memory.address + offset;
}

/** What is pointed to first: its address goes into the copy. */
function placeLinked(memory: Memory, { bytes, links }: Linked): number {
  const words = links.map(({ at, to }) => ({ at, word: placeArgument(memory, to) }));
  const offset = reserve(memory, bytes.length);
  memory.bytes.set(bytes, offset);
  for (const { at, word } of words) putWord(memory, offset + at, word);
  return memory.address + offset;
}

/** The word that stands for one argument in a register; what it points to goes into `memory`. */
export function placeArgument(memory: Memory, argument: Argument): number {
  if (typeof argument === 'number') return argument;
  if (argument === null) return 0;
  if (typeof argument === 'string') return placeText(memory, argument);
  if (argument instanceof Uint8Array) return place(memory, argument);
  if (isLinked(argument)) return placeLinked(memory, argument);
  return placeTexts(memory, argument);
}
