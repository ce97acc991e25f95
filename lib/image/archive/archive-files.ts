/**
 * What archives of images are to their readers: files with names, in a directory or in a tar. The
 * names in it come from outside; none is ever given to the file system of a tar, and in a directory
 * only plain files are opened.
 */
import { constants, createReadStream, lstatSync, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ImageError } from '../image-error.ts';
import { readWhole } from '../transfer/source.ts';
import { nameWithin, openTarFiles } from './tar-files.ts';

export interface ArchiveFiles extends AsyncDisposable {
  /** For messages. */
  where: string;
  /** Bytes, or null where there is no such file. */
  size(name: string): number | null;
  /** For a name that has a size. */
  open(name: string): Readable;
}

/** A path of a directory or of a tar, or a tar's bytes. Throws ImageError. */
export async function openArchive(input: string | Readable): Promise<ArchiveFiles> {
  if (typeof input !== 'string') return openTarFiles(input, 'the archive');
  try {
    const isDirectory = (await stat(input)).isDirectory();
    return isDirectory ? openDirectory(input) : await openTarFiles(input, input);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError(input, (cause as Error).message, { cause });
  }
}

function openDirectory(directory: string): ArchiveFiles {
  return {
    where: directory,
    size(name) {
      const path = join(directory, nameWithin(name, directory));
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (!found) return null;
      if (found.isFile()) return found.size;
      throw new ImageError(path, 'not a plain file');
    },
    open(name) {
      const path = join(directory, nameWithin(name, directory));
      // It may be a link or a pipe by now.
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
      return createReadStream(path, { fd: openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A document of the archive, or null where there is none. Throws ImageError past `limit` bytes. */
export async function readDocumentFile(
  files: ArchiveFiles,
  name: string,
  limit: number,
): Promise<Buffer | null> {
  const size = files.size(name);
  if (size === null) return null;
  if (size > limit) {
    throw new ImageError(files.where, `${name} has ${size} bytes, more than ${limit}`);
  }
  return readWhole(files.open(name), limit);
}
