/**
 * Checkouts share what a user has only once: libvirt, Vagrant's boxes and their disks in libvirt,
 * which Vagrant takes for whole as soon as they have a name. Who is about to use it says so before
 * and is alone while it brings something there; who clears it away looks whether somebody is at work:
 *
 *     CACHE/checkouts/HASH    the directory of a checkout's machines, where its turn is noted too
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { ownDirectory } from './machines.ts';
import { busyProcesses, type Turn, takeTurn } from './turn.ts';

/** Until it is released nobody else brings or clears away. The rest is as in `takeTurn`. */
export function beAlone(onBusy: (pids: number[]) => void, signal?: AbortSignal): Promise<Turn> {
  return takeTurn(directory(), onBusy, signal);
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
