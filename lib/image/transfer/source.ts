/**
 * Where images come from, whichever it is: a registry, a directory, an archive. All of them hand out
 * streams and do not vouch for what is in them.
 */
import type { Readable } from 'node:stream';
import { digestOf, mismatch } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Descriptor, Digest, Manifest } from '../spec.ts';

export interface OpenOptions {
  /** Bytes to hold for a reader that is not there yet. */
  readAhead?: number | undefined;
  /** Called with all bytes so far. */
  onBytes?: ((bytes: number) => void) | undefined;
  onRetry?: ((why: string) => void) | undefined;
}

/** Blobs by their descriptors. */
export interface BlobSource {
  /** For messages. */
  where: string;
  /** Its errors, on the stream, are ImageErrors. */
  open(blob: Descriptor, options?: OpenOptions): Readable;
}

export interface IncomingLayer {
  /** What it is shown as: of the blob, or its diffID. */
  digest: Digest;
  /** Bytes that travel. */
  size: number;
  /** What it is verified against, beside its diffID. */
  blob?: Descriptor;
  open(options: OpenOptions): Readable;
}

export interface IncomingImage {
  /** For messages. */
  where: string;
  /** Its bytes, verified where there is something to verify them against. */
  config: Buffer;
  /** Bottom first. */
  layers: IncomingLayer[];
}

/** Docker refuses larger ones too. */
export const LARGEST_CONFIG = 8 * 1024 * 1024;

/** What a manifest names in a source; only its configuration is read. Throws ImageError. */
export async function openManifest(
  source: BlobSource,
  { config, layers }: Pick<Manifest, 'config' | 'layers'>,
): Promise<IncomingImage> {
  return {
    where: source.where,
    config: await readBlob(source, config, LARGEST_CONFIG),
    layers: layers.map((blob) => ({
      digest: blob.digest,
      size: blob.size,
      blob,
      open: (options) => source.open(blob, options),
    })),
  };
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
  const content = await readWhole(source.open(blob), blob.size + 1);
  const got = { digest: digestOf(content), size: content.length };
  const wrong = mismatch(blob, got, where);
  if (wrong) throw wrong;
  return content;
}

/** Not much more than `enough` bytes, whatever the stream would give. */
export async function readWhole(stream: Readable, enough: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= enough) break;
  }
  return Buffer.concat(parts);
}
