/**
 * What a layer's tar consisted of besides the files' contents, so that both together give it again
 * byte for byte, and its digest still holds. A gzipped file of JSON lines, in the form of tar-split:
 *
 *     {"type":2,"payload":BASE64,"position":0}                  a segment: framing as it was
 *     {"type":1,"name":"etc/motd","size":286,"payload":CRC,"position":1}   a file's content goes here
 *
 * Three things are of our own: the checksum is CRC-32, which zlib computes as fast as memory is read;
 * `pieces` says where content goes in a file with holes; and content whose file is no longer there
 * (an entry that a later one of the same layer replaced) lies in `aside/POSITION`, beside `diff`.
 * Names are those under which the file lies in `diff`, in `name_raw` where they are not UTF-8.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, createReadStream, fsyncSync, openSync, writeSync } from 'node:fs';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { ImageError } from './image-error.ts';
import type { Digest } from './spec.ts';
import type { Piece } from './tar-sparse.ts';
import { isAscii } from './unpack-names.ts';

export type SplitRecord = SplitSegment | SplitFile;

export interface SplitSegment {
  type: 'segment';
  bytes: Buffer;
  position: number;
}

export interface SplitFile {
  type: 'file';
  /** A character for each byte. */
  name: string;
  /** Bytes of content in the tar. */
  size: number;
  /** Zero where there is no content. */
  crc32: number;
  pieces: Piece[] | null;
  position: number;
}

export interface SplitWriter {
  segment(bytes: Buffer): void;
  /** Returns the file's position. */
  file(file: { name: string; size: number; crc32: number; pieces: Piece[] | null }): void;
  /** The position that the next file will have. */
  nextFile(): number;
  /** Waits until little of what was said is still in memory. */
  drain(): Promise<void>;
  /** Returns the digest of the file as it lies there. */
  close(): Promise<Digest>;
  /** Gives up; for after a failure. */
  destroy(): void;
}

/** Content of one segment that is kept in memory before it is written. */
const FULL_SEGMENT = 1 << 16;
const FULL_LINES = 1 << 16;

/** Makes the file `path`, which must not be there. Throws Error of node:fs. */
export function createSplitWriter(path: string): SplitWriter {
  const fd = openSync(path, 'wx', 0o600);
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  let failure: Error | null = null;
  const hash = createHash('sha256');
  gzip.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    } catch (error) {
      failure ??= error as Error;
    }
  });
  const pending = Buffer.alloc(FULL_SEGMENT);
  let used = 0;
  let lines: string[] = [];
  let length = 0;
  let position = 0;

  const line = (record: object) => {
    const text = `${JSON.stringify(record)}\n`;
    lines.push(text);
    length += text.length;
  };
  const flushSegment = () => {
    if (used === 0) return;
    line({ type: 2, payload: pending.toString('base64', 0, used), position: position++ });
    used = 0;
  };
  const send = (): boolean => {
    const text = lines.join('');
    lines = [];
    length = 0;
    return gzip.write(text);
  };

  return {
    segment(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const copied = bytes.copy(pending, used, at);
        used += copied;
        at += copied;
        if (used === FULL_SEGMENT) flushSegment();
      }
    },
    nextFile: () => position + (used > 0 ? 1 : 0),
    file({ name, size, crc32, pieces }) {
      flushSegment();
      line({
        type: 1,
        ...nameFields(name),
        ...(size > 0 && { size }),
        payload: size > 0 ? checksum(crc32) : null,
        ...(pieces && { pieces: pieces.map(({ offset, length }) => [offset, length]) }),
        position: position++,
      });
    },
    async drain() {
      if (length >= FULL_LINES && !send()) await once(gzip, 'drain');
      if (failure) throw failure;
    },
    async close() {
      flushSegment();
      send();
      gzip.end();
      await once(gzip, 'end');
      if (failure) throw failure;
      fsyncSync(fd);
      closeSync(fd);
      return `sha256:${hash.digest('hex')}`;
    },
    destroy() {
      if (gzip.destroyed) return;
      gzip.destroy();
      closeSync(fd);
    },
  };
}

/** Reads what a writer wrote, in its order. Throws ImageError where it is damaged or missing. */
export async function* readSplit(path: string): AsyncGenerator<SplitRecord> {
  let expected = 0;
  try {
    const file = createReadStream(path);
    const text = createGunzip();
    file.on('error', (error) => text.destroy(error)).pipe(text);
    for await (const line of linesOf(text)) {
      const record = decodeLine(line);
      if (record.position !== expected++) throw new Error('a line is missing');
      yield record;
    }
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const remedy = 'remove the image and pull it again';
    const what = `the record of a layer is damaged: ${(cause as Error).message}`;
    throw new ImageError(path, what, { cause, remedy });
  }
}

/** Not readline's lines, which also end at characters that a name may have (U+2028). */
async function* linesOf(text: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of text) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length > 0) throw new Error('its last line has no end');
}

interface Line {
  type: number;
  name?: string;
  name_raw?: string;
  size?: number;
  payload: string | null;
  pieces?: [number, number][];
  position: number;
}

function decodeLine(text: string): SplitRecord {
  const line = JSON.parse(text) as Line;
  const { position } = line;
  if (line.type === 2) {
    return { type: 'segment', bytes: Buffer.from(line.payload ?? '', 'base64'), position };
  }
  const name = line.name_raw
    ? Buffer.from(line.name_raw, 'base64')
    : Buffer.from(line.name ?? '', 'utf8');
  return {
    type: 'file',
    name: name.toString('latin1'),
    size: line.size ?? 0,
    crc32: line.payload ? Buffer.from(line.payload, 'base64').readUInt32BE() : 0,
    pieces: line.pieces?.map(([offset, length]) => ({ offset, length })) ?? null,
    position,
  };
}

function nameFields(name: string): { name: string } | { name_raw: string } {
  if (isAscii(name)) return { name };
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return { name: text };
  return { name_raw: bytes.toString('base64') };
}

function checksum(crc32: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32 >>> 0);
  return bytes.toString('base64');
}
