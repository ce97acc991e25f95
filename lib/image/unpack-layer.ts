/**
 * Unpacks a layer as it comes: digest of what arrives, decompression (on another thread), digest of
 * the tar, and each entry into the tree at once. Nothing is held but what is on its way, so memory
 * does not grow with the layer.
 *
 * - `unpackLayer`: a stream into a directory.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { kernel } from '../kernel/call.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from '../kernel/constants.ts';
import { readCredentials } from '../observe/host/credentials.ts';
import { DEFAULT_ACL } from './attributes.ts';
import { createCollector } from './collect-chunks.ts';
import { compressionOf, createDecompressor, peek } from './decompress.ts';
import { mismatch } from './digest.ts';
import { ImageError } from './image-error.ts';
import type { Descriptor, Digest } from './spec.ts';
import type { UnpackLimits } from './store.ts';
import { createTarReader, type TarEntry } from './tar-reader.ts';
import type { SplitWriter } from './tar-split.ts';
import { finishFile, type OpenFile, placeEntry } from './unpack-entry.ts';
import { createMeter } from './unpack-limits.ts';
import { hideBelowRoot, makeImplied } from './unpack-lowers.ts';
import { createTree, pathOf, setAttribute, type Tree } from './unpack-tree.ts';

export interface UnpackOptions {
  limits?: UnpackLimits;
  /** What the stream carries: verified. */
  blob?: Descriptor;
  /** The layers below, topmost first, for what this one leaves to them. */
  lowers?: readonly string[];
  /** Where everything besides the files' contents is written down. */
  record?: SplitWriter;
  /** A directory, made when it is needed, for contents that a later entry replaces. */
  aside?: string;
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

export interface Unpacked {
  /** Digest of the tar, and its length in bytes. */
  diffId: Digest;
  tarBytes: number;
  /** Of what the stream carried. */
  blob: { digest: Digest; size: number };
  /** Bytes of the regular files. */
  size: number;
  entries: number;
  /** What could not or must not be made here: `NAME: WHAT`. */
  omitted: string[];
}

/** Reports of what was left out are for people; past this only their number is. */
const MOST_OMITTED = 1000;

/**
 * Unpacks the tar in `stream`, plain or compressed, into `root`, a directory that is there and empty.
 * On failure what was made so far stays, for the caller to remove. Throws ImageError.
 */
export async function unpackLayer(
  stream: Readable,
  root: string,
  options: UnpackOptions = {},
): Promise<Unpacked> {
  const unpacking = begin(root, options);
  try {
    const digests = await readThrough(stream, unpacking.reader, options);
    return { ...unpacking.finish(), ...digests };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const message = (cause as Error).message;
    throw new ImageError(root, `a layer could not be unpacked: ${message}`, { cause });
  } finally {
    unpacking.close();
  }
}

type Reader = ReturnType<typeof createTarReader>;

/** Hands the bytes to the reader. Throws ImageError where they are not those that were promised. */
async function readThrough(
  stream: Readable,
  reader: Reader,
  { blob, record, limits, onProgress, signal }: UnpackOptions,
): Promise<Pick<Unpacked, 'diffId' | 'tarBytes' | 'blob'>> {
  const meter = createMeter(limits);
  const passed = createCollector();
  const arriving = createHash('sha256');
  const plain = createHash('sha256');
  let arrived = 0;
  let tarBytes = 0;
  const { first, rest } = await peek(stream);
  const decompressor = createDecompressor(compressionOf(first));

  async function* measured() {
    for await (const chunk of rest) {
      arrived += chunk.length;
      if (blob && arrived > blob.size) {
        throw new ImageError(blob.digest, `is longer than the ${blob.size} bytes promised`);
      }
      passed(chunk.length);
      arriving.update(chunk);
      onProgress?.(arrived);
      yield chunk;
    }
  }
  async function consume(source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      tarBytes += chunk.length;
      meter.bytes(tarBytes, arrived);
      if (decompressor) plain.update(chunk);
      reader.push(chunk);
      passed(chunk.length);
      await record?.drain();
    }
    reader.end();
  }
  const wait = signal ? { signal } : {};
  if (decompressor) await pipeline(measured, decompressor, consume, wait);
  else await pipeline(measured, consume, wait);

  const got = { digest: `sha256:${arriving.digest('hex')}` as Digest, size: arrived };
  const wrong = blob && mismatch(blob, got);
  if (wrong) throw wrong;
  const diffId: Digest = decompressor ? `sha256:${plain.digest('hex')}` : got.digest;
  return { diffId, tarBytes, blob: got };
}

/** The state of one unpacking: the tree, and the content that is on its way. */
function begin(root: string, { limits, lowers = [], record, aside }: UnpackOptions) {
  const meter = createMeter(limits);
  const omitted: string[] = [];
  let omissions = 0;
  let asideFd = -1;
  const openAside = () => {
    if (asideFd < 0) {
      if (!aside) throw new Error('there is no directory for replaced contents');
      mkdirSync(aside, { mode: 0o700, recursive: true });
      asideFd = openSync(aside, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return asideFd;
  };
  const confined = !readCredentials().mapsWholeMachine;
  const tree: Tree = createTree(root, (it, parent, base) => makeImplied(it, parent, base, lowers), {
    umask: readUmask(),
    user: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    confined,
    form: confined ? 'user' : 'trusted',
    aside: openAside,
    omit(name, what) {
      omissions++;
      if (omitted.length < MOST_OMITTED) omitted.push(`${name}: ${what}`);
    },
  });

  let current: TarEntry | null = null;
  let name: string | null = null;
  let file: OpenFile | null = null;
  /** Where content goes: a file of the tree or one aside; below zero where nobody wants it. */
  let fd = -1;
  let sum = 0;
  let entries = 0;
  let size = 0;
  let piece = 0;
  let inPiece = 0;

  const reader = createTarReader({
    framing: (bytes) => record?.segment(bytes),
    entry(entry) {
      entries++;
      meter.entry(entry.realSize);
      current = entry;
      sum = piece = inPiece = 0;
      ({ name, file } = placeEntry(tree, entry));
      if (file) {
        fd = file.fd;
        size += entry.realSize;
        if (record && entry.size > 0) tree.contents.set(fstatSync(fd).ino, record.nextFile());
      } else if (record && entry.size > 0) {
        fd = openSync(join(aside ?? root, keepAside(record.nextFile())), 'wx', 0o600);
      }
    },
    content(bytes) {
      if (record) sum = crc32(bytes, sum);
      if (fd < 0) return;
      if (current?.pieces) writePieces(current.pieces, bytes);
      else writeAll(fd, bytes, null);
    },
    entryEnd() {
      const entry = current as TarEntry;
      if (file) finishFile(tree, file);
      if (fd >= 0) closeSync(fd);
      fd = -1;
      file = null;
      record?.file({
        name: name ?? entry.name,
        size: entry.size,
        crc32: sum,
        pieces: entry.size > 0 ? entry.pieces : null,
      });
    },
  });

  function keepAside(position: number): string {
    openAside();
    return String(position);
  }

  /** Across holes; content of an entry that has no file is kept without them. */
  function writePieces(pieces: NonNullable<TarEntry['pieces']>, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const { offset, length } = pieces[piece] as (typeof pieces)[number];
      const part = bytes.subarray(at, at + length - inPiece);
      writeAll(fd, part, offset + inPiece);
      at += part.length;
      inPiece += part.length;
      while (piece < pieces.length && inPiece === pieces[piece]?.length) {
        piece++;
        inPiece = 0;
      }
    }
  }

  return {
    reader,
    finish(): Pick<Unpacked, 'size' | 'entries' | 'omitted'> {
      if (tree.rootIsOpaque) hideBelowRoot(tree, lowers);
      finishDirectories(tree);
      const more = omissions - omitted.length;
      if (more > 0) omitted.push(`and ${more} more`);
      return { size, entries, omitted };
    },
    close() {
      if (fd >= 0) closeSync(fd);
      if (asideFd >= 0) closeSync(asideFd);
      tree.directories.close();
    },
  };
}

/** Last: making something in one changes its time. */
function finishDirectories(tree: Tree): void {
  for (const [path, { inode, times, defaultAcl }] of tree.finishing) {
    const directory = tree.directories.find(path);
    if (directory?.inode !== inode) continue;
    if (defaultAcl) setAttribute(tree, pathOf(directory, '.'), path, DEFAULT_ACL, defaultAcl);
    kernel.utimensat(directory.fd, '.', times, 0);
  }
}

function writeAll(fd: number, bytes: Buffer, position: number | null): void {
  for (let at = 0; at < bytes.length; ) {
    const to = position === null ? null : position + at;
    at += writeSync(fd, bytes, at, bytes.length - at, to);
  }
}

/** process.umask() would set it for a moment to read it. */
function readUmask(): number {
  const text = readFileSync('/proc/self/status', 'utf8');
  return Number.parseInt(/^Umask:\s*(\d+)$/m.exec(text)?.[1] ?? '777', 8);
}
