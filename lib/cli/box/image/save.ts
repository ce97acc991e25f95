/**
 * `box save`: an archive to a file, or to whoever reads our output.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import { save } from '../../../image/archive/save.ts';
import { BoxError, usageError } from '../box-error.ts';
import { openImages } from '../globals.ts';
import { interruptible } from '../interrupt.ts';

export interface SaveFlags {
  output?: string;
  format: string;
}

export async function saveImages(
  names: string[],
  { output, format }: SaveFlags,
  command: Command,
): Promise<void> {
  if (format !== 'docker' && format !== 'oci') {
    throw usageError(`save --format ${format}: it is docker or oci`);
  }
  if (output === undefined && process.stdout.isTTY) {
    throw new BoxError('save: a terminal is no place for an archive; say -o FILE, or redirect it');
  }
  const { store } = await openImages(command);
  const write = (to: Writable) =>
    interruptible(async (signal) => {
      const stop = () => to.destroy(signal.reason as Error);
      signal.addEventListener('abort', stop);
      await save(store, names, to, { format });
      signal.removeEventListener('abort', stop);
      signal.throwIfAborted();
    });
  if (output === undefined) await write(process.stdout);
  else await writeFile(output, write);
}

/** All of it or none: a plain file gets its name when it is whole. */
async function writeFile(path: string, write: (to: Writable) => Promise<void>): Promise<void> {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new BoxError(`${path}: is a directory; name a file`);
  const isPlain = there === undefined || there.isFile();
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  const to = createWriteStream(isPlain ? draft : path, { mode: 0o600 });
  try {
    await once(to, 'open');
    await write(to);
    to.end();
    await once(to, 'close');
    if (isPlain) renameSync(draft, path);
  } catch (cause) {
    if (isPlain) rmSync(draft, { force: true });
    const { code, message } = cause as NodeJS.ErrnoException;
    throw code?.startsWith('E') ? new BoxError(`${path}: ${message}`, { cause }) : cause;
  }
}
