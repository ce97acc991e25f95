/**
 * The file in which an engine finds a pid: there only when it is whole.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export function writePidFile(path: string, pid: number): void {
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(unfinished, String(pid), { mode: 0o644 });
  renameSync(unfinished, path);
}
