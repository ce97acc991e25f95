/**
 * Which labs have been done: when each last passed whole, with the lab's own runtime and with the
 * learner's. Kept in `my/progress.json`, which git does not see.
 */
import { chownSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from './lab-error.ts';
import { myDirectory, shownPath } from './my-runtime.ts';

/** With whose runtime a lab passed. */
export type By = 'lab' | 'mine';

/** By lab number; the times are ISO 8601, in UTC. */
export type Progress = Record<string, Partial<Record<By, string>>>;

const progressPath = () => join(myDirectory(), 'progress.json');

/** Empty when nothing has been done. Throws LabError for a file that is not what we wrote. */
export function readProgress(): Progress {
  let text: string;
  try {
    text = readFileSync(progressPath(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const file = shownPath(progressPath());
    throw new LabError(`${file}: not JSON; delete it to begin the list anew`, 1, { cause });
  }
}

/**
 * Notes that lab `number` has passed now. The file belongs to whoever owns the checkout. In a
 * checkout that may not be written to, the lab has passed all the same: a warning says so.
 */
export function recordPass(number: string, by: By, now = new Date()): void {
  try {
    writePass(number, by, now);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error;
    process.emitWarning(
      `${shownPath(progressPath())}: cannot be written (${code}); not noted down`,
    );
  }
}

function writePass(number: string, by: By, now: Date): void {
  const progress = readProgress();
  progress[number] = { ...progress[number], [by]: now.toISOString() };
  try {
    writeProgress(progress);
  } catch (cause) {
    const file = shownPath(progressPath());
    throw new LabError(`${file}: not noted as done: ${(cause as Error).message}`, 1, { cause });
  }
}

function writeProgress(progress: Progress): void {
  const directory = myDirectory();
  mkdirSync(directory, { recursive: true });
  // Written beside it and renamed: whoever reads meanwhile sees the old file or the new one.
  const written = `${progressPath()}.${process.pid}`;
  writeFileSync(written, `${JSON.stringify(progress, null, 2)}\n`);
  renameSync(written, progressPath());
  // Who called sudo will want to write here without it.
  const { SUDO_UID, SUDO_GID } = process.env;
  if (process.getuid?.() !== 0 || SUDO_UID === undefined) return;
  for (const path of [directory, progressPath()]) {
    chownSync(path, Number(SUDO_UID), Number(SUDO_GID));
  }
}
