/**
 * What ADD does and COPY does not: an archive of the context is unpacked, whatever it is called. It
 * is unpacked as a layer is, into a directory of its own that none of its names leads out of, and
 * copied from there.
 *
 * Dockerfile reference, "ADD", "Adding local tar archives"
 */
import { closeSync, createReadStream, mkdirSync, openSync, readSync } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { execa } from 'execa';
import { findCommand } from '../../observe/command.ts';
import { type Compression, compressionOf, createDecompressor } from '../decompress.ts';
import { ImageError } from '../image-error.ts';
import { unpackLayer } from '../unpack-layer.ts';
import type { Ground } from './change.ts';
import { IGNORES_NOTHING } from './dockerignore.ts';
import { type Placing, placeItems } from './place.ts';
import { type Item, selectItems } from './selection.ts';

/** Bytes of a tar's header, and where `ustar` stands in it. */
const BLOCK = 512;
const USTAR_AT = 257;

/** `asTheyAre` are not unpacked. Throws ImageError. */
export async function addItems(
  { root, host }: Ground,
  items: readonly Item[],
  placing: Placing & { asTheyAre: ReadonlySet<Item>; chown: boolean },
): Promise<void> {
  const archives: Item[] = [];
  for (const item of items) {
    if (!placing.asTheyAre.has(item) && (await isArchive(item))) archives.push(item);
  }
  const files = items.filter((item) => !archives.includes(item));
  if (files.length > 0) placeItems(root, files, placing);
  for (const [index, item] of archives.entries()) {
    const directory = `${host.directory}/archive-${index}`;
    mkdirSync(directory);
    await unpackLayer(openPlain(item), directory, { aside: `${directory}-aside` });
    const origin = { root: directory, ignore: IGNORES_NOTHING, what: item.name };
    const destination = placing.destination.replace(/\/?$/, '/');
    // What an archive says of owners holds, unless it is said otherwise.
    const owner = placing.chown ? placing.owner : null;
    placeItems(root, selectItems(origin, ['.'], destination), { ...placing, destination, owner });
  }
}

/** A tar, plain or compressed; only a file that was named itself is one to unpack. */
async function isArchive(item: Item): Promise<boolean> {
  const { from, name, stats } = item;
  if (name === '' || !stats.isFile()) return false;
  const first = readFirst(from);
  if (compressionOf(first) === 'none') return isTarHeader(first);
  const stream = openPlain(item);
  try {
    let plain: Buffer = Buffer.alloc(0);
    for await (const chunk of stream) {
      plain = Buffer.concat([plain, chunk as Buffer]);
      if (plain.length >= BLOCK) break;
    }
    return isTarHeader(plain);
  } catch {
    // Its first bytes deceive: a file that cannot be decompressed is copied as it is.
    return false;
  }
}

const isTarHeader = (bytes: Buffer) =>
  bytes.subarray(USTAR_AT, USTAR_AT + 5).toString('latin1') === 'ustar';

function readFirst(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(BLOCK);
    return bytes.subarray(0, readSync(fd, bytes, 0, BLOCK, 0));
  } finally {
    closeSync(fd);
  }
}

/** Those that Node has no code for. */
const COMMANDS: Partial<Record<Compression, string>> = { bzip2: 'bzip2', xz: 'xz' };

/** The file decompressed. Throws ImageError when a command for that is not there. */
function openPlain({ from, name }: Item): Readable {
  const compression = compressionOf(readFirst(from));
  const command = COMMANDS[compression];
  if (command === undefined) {
    const decompressor = createDecompressor(compression);
    // What goes wrong is told by the stream that is read.
    return decompressor
      ? pipeline(createReadStream(from), decompressor, () => undefined)
      : createReadStream(from);
  }
  if (findCommand(command) === null) {
    const remedy = `install ${command}, or unpack it before`;
    throw new ImageError(name, `is compressed with ${command}, which is not installed`, { remedy });
  }
  return execa(command, ['-dc', from], { buffer: false, stdin: 'ignore' }).readable();
}
