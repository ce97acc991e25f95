/**
 * What attacks are after: a file of the host's that no container may read. It lies beside the run's
 * root filesystem, never in it, and goes with the run's directory.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Subject } from './subject.ts';

export const SECRET = 'the host’s secret';

/** Writes the file and returns its path on the host. */
export function hideSecret({ rootfs }: Subject): string {
  const path = join(dirname(rootfs), 'secret');
  writeFileSync(path, `${SECRET}\n`);
  return path;
}
