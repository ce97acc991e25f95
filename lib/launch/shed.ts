/**
 * A child that outlives its parent needs none of its parent's memory: only the stub, and the arena
 * with its records. What is mapped beside the two can be unmapped by lines of its own, so that a
 * container that waits holds a few pages instead of a copy of the parent. That nothing is mapped in
 * parts of a range is no error, so it is all that can be mapped.
 *
 * munmap(2), proc_pid_maps(5)
 */
import { readFileSync } from 'node:fs';
import { architecture } from '../kernel/libc.ts';

/** Address and length in bytes. */
export type Range = readonly [address: number, length: number];

/** The ranges that hold all of a process's mappings but `kept`, lowest first. */
export function mappingsBeside(...kept: Range[]): Range[] {
  const ranges: Range[] = [];
  let from = 0;
  for (const [address, length] of kept.toSorted(([a], [b]) => a - b)) {
    if (address > from) ranges.push([from, address - from]);
    from = address + length;
  }
  ranges.push([from, topOfMemory() - from]);
  return ranges;
}

let top = 0;

/**
 * Where a process's part of the address space ends: munmap takes nothing that lies above. On x86-64
 * it is 2^47 less a page, unless somebody asks for more; on arm64 kernels differ, and the highest
 * mapping, which is made when a program begins, tells. Kernel Documentation/arch/x86/x86_64/mm.rst,
 * Documentation/arch/arm64/memory.rst
 */
function topOfMemory(): number {
  top ||= architecture() === 'x64' ? 2 ** 47 - 4096 : lastMapping();
  return top;
}

function lastMapping(): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
  const [, end = ''] = /^[0-9a-f]+-([0-9a-f]+) /.exec(lines.at(-1) ?? '') ?? [];
  return Number.parseInt(end, 16);
}
