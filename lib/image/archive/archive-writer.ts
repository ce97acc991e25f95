/**
 * Where an archive goes: a directory or a tar. Files are put there once each, under names that the
 * kit itself has made.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../spec.ts';

export interface Written {
  digest: Digest;
  /** Bytes. */
  size: number;
}

export interface ArchiveWriter extends AsyncDisposable {
  put(name: string, content: Buffer): Promise<void>;
  /** Content of which size and digest are known only at its end. `nameOf` then gives its name. */
  putStream(content: Readable, nameOf: (written: Written) => string): Promise<Written>;
  /** Nothing more comes. */
  finish(): Promise<void>;
}

/** The stream into a file, with what it turned out to be. */
export async function writeMeasured(content: Readable, path: string): Promise<Written> {
  const hash = createHash('sha256');
  let size = 0;
  async function* measure(parts: AsyncIterable<Buffer>) {
    for await (const part of parts) {
      hash.update(part);
      size += part.length;
      yield part;
    }
  }
  await pipeline(content, measure, createWriteStream(path, { mode: 0o600 }));
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
