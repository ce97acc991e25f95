/**
 * Files of the machine's that an engine reads at their usual place: on the machine of our own
 * (scripts/kill/own-machine.ts) they may be written, and the real ones stay as they are.
 *
 * Kernel documentation, filesystems/overlayfs.rst
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { kernel } from '../../lib/kernel/call.ts';

/** What is written below `path` from now on goes into `directory`. */
export function writeApart(path: string, directory: string): void {
  const place = join(directory, path.replaceAll('/', '-'));
  const [upper, work] = [join(place, 'upper'), join(place, 'work')];
  for (const one of [upper, work]) mkdirSync(one, { recursive: true });
  kernel.mount('overlay', path, 'overlay', 0, `lowerdir=${path},upperdir=${upper},workdir=${work}`);
}
