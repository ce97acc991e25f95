/**
 * Checkouts share what a user has only once: libvirt, Vagrant's boxes. Who is about to use it says
 * so before, and who clears it away looks whether somebody is at work, one at a time:
 *
 *     CACHE/checkouts/HASH    the directory of a checkout's machines, where its turn is noted too
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { ownDirectory } from './machines.ts';
import { busyProcesses, takeTurn } from './turn.ts';

/** Nobody arrives or clears away meanwhile. */
export async function alone<T>(work: () => Promise<T>): Promise<T> {
  const turn = await takeTurn(directory(), () => {});
  try {
    return await work();
  } finally {
    turn.release();
  }
}

/** From here on this checkout's commands count as a neighbour's for the others. */
export function arrive(): void {
  writeFileSync(place(), `${ownDirectory()}\n`);
}

export function leave(): void {
  rmSync(place(), { force: true });
}

/** Processes that work on the machines of other checkouts now. */
export function busyNeighbours(): number[] {
  const others = readdirSync(directory(), { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[0-9a-f]+$/.test(entry.name))
    .map(({ name }) => join(directory(), name))
    .filter((file) => file !== place());
  return others.flatMap((file) => busyProcesses(readFileSync(file, 'utf8').trim()));
}

function directory(): string {
  const path = join(cacheDirectory(), 'checkouts');
  mkdirSync(path, { recursive: true });
  return path;
}

function place(): string {
  const hash = createHash('sha256').update(ownDirectory()).digest('hex').slice(0, 16);
  return join(directory(), hash);
}
