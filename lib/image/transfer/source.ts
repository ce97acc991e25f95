/**
 * Where images come from, whichever it is: a registry, a directory, an archive. It hands out blobs
 * by their descriptors, and does not vouch for them.
 */
import type { Readable } from 'node:stream';
import { digestOf, mismatch } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Descriptor } from '../spec.ts';

export interface OpenOptions {
  /** Bytes to hold for a reader that is not there yet. */
  readAhead?: number | undefined;
  /** Called with all bytes so far. */
  onBytes?: ((bytes: number) => void) | undefined;
  onRetry?: ((why: string) => void) | undefined;
}

export interface BlobSource {
  /** For messages. */
  where: string;
  /** Its errors, on the stream, are ImageErrors. */
  open(blob: Descriptor, options?: OpenOptions): Readable;
}

/** A small blob, verified. Throws ImageError when it is larger than `limit` bytes or not itself. */
export async function readBlob(
  source: BlobSource,
  blob: Descriptor,
  limit: number,
): Promise<Buffer> {
  const where = `${source.where}: ${blob.digest}`;
  if (blob.size > limit) {
    throw new ImageError(where, `${blob.size} bytes, more than the ${limit} of such a document`);
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of source.open(blob)) {
    bytes += part.length;
    if (bytes > blob.size) break;
    parts.push(part);
  }
  const content = Buffer.concat(parts);
  const wrong = mismatch(blob, { digest: digestOf(content), size: bytes }, where);
  if (wrong) throw wrong;
  return content;
}
