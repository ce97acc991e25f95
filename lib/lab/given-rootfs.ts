/**
 * The root filesystem that a reader names with `--rootfs`.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { LabError } from './lab-error.ts';

/** The absolute path of a directory that can be copied. Throws LabError, a wrong call. */
export function resolveRootfs(given: string): string {
  const path = resolve(given);
  const found = statSync(path, { throwIfNoEntry: false });
  const refuse = (problem: string) => new LabError(`--rootfs ${given}: ${path} ${problem}`, 2);
  if (!found) throw refuse('does not exist');
  if (!found.isDirectory()) throw refuse('is no directory');
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
  } catch {
    throw refuse('cannot be read by this user');
  }
  return path;
}
