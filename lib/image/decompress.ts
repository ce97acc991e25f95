/**
 * A layer's bytes, plain whatever they are compressed with: told from the first bytes, since media
 * types are sometimes wrong. zlib's and zstd's own code does it, off the main thread.
 * RFC 1952, RFC 8878
 */
import type { Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ImageError } from './image-error.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

const MAGIC: [Compression, Buffer][] = [
  ['gzip', Buffer.of(0x1f, 0x8b)],
  ['zstd', Buffer.of(0x28, 0xb5, 0x2f, 0xfd)],
  ['bzip2', Buffer.from('BZh')],
  ['xz', Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a)],
];

/**
 * Large enough that handing a chunk from thread to thread costs little beside what is in it; and one
 * may wait while the next is worked at, so that both threads have something to do.
 */
const CHUNK = 256 * 1024;
const SIZES = { chunkSize: CHUNK, readableHighWaterMark: 2 * CHUNK };

export function compressionOf(first: Buffer): Compression {
  const found = MAGIC.find(([, magic]) => first.subarray(0, magic.length).equals(magic));
  return found?.[0] ?? 'none';
}

/** Null for what is not compressed. Throws ImageError for what is not decompressed here. */
export function createDecompressor(compression: Compression): Transform | null {
  switch (compression) {
    case 'none':
      return null;
    case 'gzip':
      return createGunzip(SIZES);
    case 'zstd':
      return createZstdDecompress(SIZES);
    default: {
      const remedy = 'compress it with gzip or zstd';
      throw new ImageError('layer', `is compressed with ${compression}`, { remedy });
    }
  }
}

/** The first bytes of a stream, as many as tell its compression, and the stream with them again. */
export async function peek(
  stream: Readable,
): Promise<{ first: Buffer; rest: AsyncGenerator<Buffer> }> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let first: Buffer = Buffer.alloc(0);
  while (first.length < 6) {
    const next = await iterator.next();
    if (next.done) break;
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  async function* rest() {
    try {
      if (first.length > 0) yield first;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        yield next.value;
      }
    } finally {
      stream.destroy();
    }
  }
  return { first, rest: rest() };
}
