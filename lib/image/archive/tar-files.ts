/**
 * The files in a tar, found by name in any order: it is read through once to see where each lies.
 * A tar that cannot be read twice, since it comes through a pipe or is compressed, is first written
 * to a temporary file.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { compressionOf, createDecompressor, peek } from '../decompress.ts';
import { ImageError } from '../image-error.ts';
import { createTarReader, type TarEntry } from '../tar-reader.ts';
import type { ArchiveFiles } from './archive-files.ts';

/** Where the content lies in the tar. */
interface Extent {
  offset: number;
  size: number;
}

const MOST_ENTRIES = 100_000;
/** Links to links: `docker save` of old wrote one at most. */
const MOST_LINKS = 8;

/** Throws ImageError for what is no tar, or one whose names lead out of it. */
export async function openTarFiles(input: string | Readable, where: string): Promise<ArchiveFiles> {
  const again = typeof input === 'string' && (await isPlainFile(input));
  const directory = again ? null : await mkdtemp(join(tmpdir(), 'unboxed-archive-'));
  const close = async () => {
    if (directory) await rm(directory, { recursive: true, force: true });
  };
  try {
    const path = directory ? join(directory, 'tar') : String(input);
    if (directory) await spool(input, path, where);
    const extents = await scan(path, where);
    return {
      where,
      size: (name) => extents.get(name)?.size ?? null,
      open(name) {
        const { offset, size } = extents.get(name) ?? { offset: 0, size: 0 };
        if (size === 0) return Readable.from([], { objectMode: false });
        return createReadStream(path, { start: offset, end: offset + size - 1 });
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whether its bytes can be read from any place, and are the tar's own. */
async function isPlainFile(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  if (!(await file.stat()).isFile()) return false;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
  return compressionOf(buffer.subarray(0, bytesRead)) === 'none';
}

async function spool(input: string | Readable, path: string, where: string): Promise<void> {
  const stream = typeof input === 'string' ? createReadStream(input) : input;
  const { first, rest } = await peek(stream);
  const decompressor = createDecompressor(compressionOf(first));
  const target = createWriteStream(path, { mode: 0o600 });
  try {
    if (decompressor) await pipeline(rest, decompressor, target);
    else await pipeline(rest, target);
  } catch (cause) {
    throw new ImageError(where, `not readable: ${(cause as Error).message}`, { cause });
  }
}

async function scan(path: string, where: string): Promise<Map<string, Extent>> {
  const extents = new Map<string, Extent>();
  const links = new Map<string, string>();
  let at = 0;
  const reader = createTarReader({
    framing: (bytes) => {
      at += bytes.length;
    },
    content: (bytes) => {
      at += bytes.length;
    },
    entry: (entry) => {
      const name = nameWithin(entry.name, where);
      if (extents.size + links.size >= MOST_ENTRIES) {
        throw new ImageError(where, `more than ${MOST_ENTRIES} entries`);
      }
      // Of two with one name the last is the one that unpacking would leave.
      extents.delete(name);
      links.delete(name);
      if (entry.type === 'file') extents.set(name, extentOf(entry, at, where));
      else if (entry.type === 'symlink') links.set(name, targetOf(name, entry, where));
      else if (entry.type === 'link') links.set(name, nameWithin(entry.linkname, where));
    },
    entryEnd: () => undefined,
  });
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      reader.push(chunk);
    }
    reader.end();
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    if (cause.where === where) throw cause;
    throw new ImageError(where, `no archive: ${cause.message}`, { cause });
  }
  for (const name of links.keys()) {
    const extent = follow(name, extents, links);
    if (extent) extents.set(name, extent);
  }
  return extents;
}

function extentOf({ name, size, pieces }: TarEntry, offset: number, where: string): Extent {
  if (pieces !== null) {
    throw new ImageError(where, `${JSON.stringify(name)} is written with holes`);
  }
  return { offset, size };
}

function follow(
  name: string,
  extents: Map<string, Extent>,
  links: Map<string, string>,
): Extent | undefined {
  let at: string | undefined = name;
  for (let count = 0; at !== undefined && count < MOST_LINKS; count++) {
    const extent = extents.get(at);
    if (extent) return extent;
    at = links.get(at);
  }
  return undefined;
}

const targetOf = (name: string, { linkname }: TarEntry, where: string) =>
  linkname.startsWith('/')
    ? nameWithin(linkname, where)
    : nameWithin(join(name, '..', linkname), where);

/** `./a//b/` is `a/b`. Throws ImageError for a name that leads out. */
export function nameWithin(name: string, where: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (!name.startsWith('/') && !parts.includes('..') && !name.includes('\0')) {
    return parts.join('/');
  }
  const remedy = 'no honest program writes such an archive';
  throw new ImageError(where, `${JSON.stringify(name)} leads out of it`, { remedy });
}
