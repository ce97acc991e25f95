/**
 * A child that outlives its parent needs none of its parent's memory: only the stub, and the arena
 * with its records. What is mapped beside the two can be unmapped by lines of its own, so that a
 * container that waits holds a few pages instead of a copy of the parent.
 *
 * munmap(2), proc_pid_maps(5)
 */
import { readFileSync } from 'node:fs';

/** Address and length in bytes. */
export type Range = readonly [address: number, length: number];

/** The ranges that hold all of this process's mappings but `kept`, lowest first. */
export function mappingsBeside(...kept: Range[]): Range[] {
  const mapped = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    // x86-64's, in the kernel's half of the address space: it stays.
    .filter((line) => line !== '' && !line.endsWith('[vsyscall]'))
    .map((line) => (line.split(' ')[0] ?? '').split('-').map((hex) => Number.parseInt(hex, 16)));
  const first = mapped[0]?.[0] ?? 0;
  const last = mapped.at(-1)?.[1] ?? 0;
  const ranges: Range[] = [];
  let from = first;
  for (const [address, length] of kept.toSorted(([a], [b]) => a - b)) {
    if (address > from) ranges.push([from, address - from]);
    from = address + length;
  }
  if (last > from) ranges.push([from, last - from]);
  return ranges;
}
