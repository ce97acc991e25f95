/**
 * HOME of a user whose environment has none, as the container's own /etc/passwd has it.
 * passwd(5)
 */
import { readFileSync } from 'node:fs';
import type { RootView } from './root-view.ts';

/** `/` for a user that is not listed, or where the file cannot be read. */
export function homeOf(uid: number, view: RootView): string {
  const { seen, kind } = view.resolve('/etc/passwd');
  if (seen === null || kind !== 'file') return '/';
  return homeIn(readOrNothing(seen), uid);
}

export function homeIn(passwd: string, uid: number): string {
  const entry = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid));
  return entry?.[5] || '/';
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
