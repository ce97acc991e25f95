/**
 * Manifests and indexes in a registry: small documents, by tag or by digest, verified before
 * anybody looks into them. distribution-spec, "Pulling manifests" and "Pushing Manifests"
 */
import { digestOf, isDigest } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Reference } from '../reference.ts';
import {
  type Descriptor,
  type Digest,
  MEDIA_TYPE_DOCKER_INDEX,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_INDEX,
  MEDIA_TYPE_MANIFEST,
} from '../spec.ts';
import type { StoredDocument } from '../transfer/document.ts';
import { RegistryError, readUpTo } from './registry-error.ts';
import type { Repository } from './repository.ts';

const ACCEPTED = [
  MEDIA_TYPE_INDEX,
  MEDIA_TYPE_MANIFEST,
  MEDIA_TYPE_DOCKER_INDEX,
  MEDIA_TYPE_DOCKER_MANIFEST,
].join(', ');

/** What a registry has to take at least, and no real one needs more. distribution-spec */
export const LARGEST_DOCUMENT = 4 * 1024 * 1024;

/** The repository's document of that tag or digest. Throws RegistryError and ImageError. */
export async function fetchDocument(
  repository: Repository,
  which: string | Descriptor,
): Promise<StoredDocument> {
  const name = typeof which === 'string' ? which : which.digest;
  const where = `${repository.name}${isDigest(name) ? '@' : ':'}${name}`;
  const response = await repository.call(`manifests/${name}`, {
    where,
    headers: { accept: ACCEPTED },
  });
  const bytes = await readUpTo(response, LARGEST_DOCUMENT);
  if (bytes === null) throw new ImageError(where, `larger than ${LARGEST_DOCUMENT} bytes`);
  const digest = digestOf(bytes);
  if (typeof which !== 'string' && which.size !== bytes.length) {
    throw new ImageError(where, `${bytes.length} bytes long where ${which.size} were promised`);
  }
  const said = isDigest(name) ? name : response.headers.get('docker-content-digest');
  if (said !== null && said !== digest) {
    const remedy = 'try again; if it stays so, the registry or the way to it changes what it sends';
    throw new ImageError(where, `came with the digest ${digest}, not ${said}`, { remedy });
  }
  const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  return { bytes, descriptor: { mediaType: type, digest, size: bytes.length }, where };
}

/** Puts it there under its digest, or under a tag. Throws RegistryError. */
export async function putDocument(
  repository: Repository,
  { bytes, descriptor }: Pick<StoredDocument, 'bytes' | 'descriptor'>,
  tag: string | undefined,
): Promise<void> {
  const name = tag ?? descriptor.digest;
  const where = `${repository.name}${tag === undefined ? '@' : ':'}${name}`;
  const response = await repository.call(`manifests/${name}`, {
    where,
    method: 'PUT',
    headers: { 'content-type': descriptor.mediaType },
    body: bytes,
  });
  await response.body?.cancel();
  const stored = response.headers.get('docker-content-digest');
  if (stored === null || stored === descriptor.digest) return;
  const what = `the registry stored ${stored}, not ${descriptor.digest}`;
  throw new RegistryError(where, what, { kind: 'unexpected' });
}

/** What a reference asks a registry for: a digest says more than a tag. */
export const wantedOf = ({ tag, digest }: Reference): string | Digest => digest ?? tag ?? 'latest';
