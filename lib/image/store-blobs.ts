/**
 * Small documents by their digest, and what is known of a layer elsewhere: the blobs as which it was
 * met in registries, so that it need not be compressed or sent again.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { writeAtomic } from './atomic-file.ts';
import { digestOf, hexOf, mismatch } from './digest.ts';
import { ImageError } from './image-error.ts';
import type { Leases } from './leases.ts';
import { withLock } from './lock.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import type { Descriptor, Digest } from './spec.ts';
import type { KnownBlob } from './store.ts';
import type { StorePaths } from './store-paths.ts';

/** distribution-spec asks registries to take manifests of 4 MiB; this is no place for layers. */
const LARGEST = 16 * 1024 * 1024;

export function createBlobs(paths: StorePaths, leases: Leases) {
  for (const directory of [paths.blobs, paths.distribution]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  const held = new Set<string>();

  async function putBlob(content: Readable | Buffer, expected?: Descriptor): Promise<Descriptor> {
    const bytes = Buffer.isBuffer(content) ? content : await readSmall(content);
    const got = { digest: digestOf(bytes), size: bytes.length };
    const wrong = expected && mismatch(expected, got);
    if (wrong) throw wrong;
    // Before it is there, so that nobody takes it for needless before an image needs it.
    await leases.hold(hexOf(got.digest));
    held.add(hexOf(got.digest));
    if (!existsSync(paths.blob(got.digest))) writeAtomic(paths.blob(got.digest), bytes);
    return { mediaType: expected?.mediaType ?? mediaTypeOf(bytes), ...got };
  }

  async function readBlob(digest: Digest): Promise<Buffer> {
    const path = paths.blob(digest);
    if (!existsSync(path)) throw new ImageError(digest, 'this document is not in the store');
    const bytes = readFileSync(path);
    const wrong = mismatch({ digest }, { digest: digestOf(bytes), size: bytes.length }, path);
    if (wrong) throw wrong;
    return bytes;
  }

  async function blobsOf(diffId: Digest): Promise<KnownBlob[]> {
    return readKnown(paths.knownBlobs(diffId));
  }

  async function rememberBlob(diffId: Digest, blob: KnownBlob): Promise<void> {
    const path = paths.knownBlobs(diffId);
    await withLock(paths.lock, () => {
      const known = readKnown(path);
      const same = (it: KnownBlob) =>
        it.digest === blob.digest && it.repository === blob.repository;
      if (known.some(same)) return;
      writeSealed(path, 'Blobs', [...known, blob]);
    });
  }

  /** What was put here and has no image by now is nobody's. */
  function release(): void {
    for (const name of held) leases.release(name);
    held.clear();
  }

  return { putBlob, readBlob, blobsOf, rememberBlob, release };
}

/** Throws ImageError where it is damaged. */
export const readKnown = (path: string): KnownBlob[] =>
  readSealed<KnownBlob[]>(path, 'Blobs', 'remove it') ?? [];

async function readSmall(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST) throw new ImageError('document', `is larger than ${LARGEST} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function mediaTypeOf(bytes: Buffer): string {
  try {
    const { mediaType } = JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown };
    if (typeof mediaType === 'string') return mediaType;
  } catch {
    // No JSON, and so nothing that has a media type of its own.
  }
  return 'application/octet-stream';
}
