/**
 * The arena: the memory that a child shares with its parent until it calls execve. It holds the
 * child's stack, its records and everything that they point to. Arenas are kept and used again,
 * because mapping and viewing memory costs more than the launch's own calls.
 *
 *   ├─ stack, 4 KiB ─┼─ clone_args ─┼─ records ─┼─ texts, arrays, structures … ─┤
 */

import { kernel } from '../kernel/call.ts';
import { PROT_EXEC, PROT_READ } from '../kernel/constants.ts';
import { architecture, rawSyscall } from '../kernel/libc.ts';
import { type Memory, mapMemory } from '../kernel/memory.ts';
import { signatures } from '../kernel/signatures.ts';
import { STUB } from './stub/stub.ts';

export type Arena = Memory;

export const STACK_SIZE = 4096;
/** Of the page that the stub has to itself. */
export const STUB_SIZE = 4096;
/** What execve(2) takes of texts is 2 MiB where nobody has raised the stack's limit. */
const ARENA_SIZE = 4 * 1024 * 1024;

const free: Arena[] = [];

/** An arena that nobody uses, with only the stack taken. Give it back with `releaseArena`. */
export function takeArena(): Arena {
  const arena = free.pop() ?? mapMemory(ARENA_SIZE);
  arena.used = STACK_SIZE;
  return arena;
}

/** The caller is sure that no child runs in it any more: it has called execve, or has ended. */
export function releaseArena(arena: Arena): void {
  free.push(arena);
}

let entry = 0;

/** Where the stub's first instruction is: a page of its own, readable and executable. */
export function stubEntry(): number {
  if (entry) return entry;
  const page = mapMemory(STUB_SIZE);
  page.bytes.set(STUB[architecture()]);
  kernel.mprotect(page.address, STUB_SIZE, PROT_READ | PROT_EXEC);
  entry = page.address;
  return entry;
}

/** Runs `body` with every signal blocked on this thread: a child cloned in it starts so too. */
export function withSignalsBlocked<T>(arena: Arena, body: () => T): T {
  const nr = signatures.rtSigprocmask[architecture()];
  const [all, old] = [arena.address, arena.address + 8];
  arena.bytes.fill(0xff, 0, 8);
  rawSyscall(nr, [0, all, old, 8]);
  try {
    return body();
  } finally {
    rawSyscall(nr, [2, old, 0, 8]);
  }
}
