/**
 * The manifest of an image that is in the store: the one it came with, or a new one. A store has
 * layers and configurations; which blobs they travel as, a manifest says.
 */
import { digestOf, isDigest } from '../digest.ts';
import type { Descriptor, Digest, Manifest } from '../spec.ts';
import { MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_MANIFEST } from '../spec.ts';
import type { ImageRecord, Store } from '../store.ts';
import { readDocument, type StoredDocument } from './document.ts';
import { configType, type Format, manifestType } from './layer-type.ts';

/** The one that it was pulled or pushed with last, or null. */
export async function findManifest(
  store: Store,
  { id, names }: ImageRecord,
): Promise<(StoredDocument & { manifest: Manifest }) | null> {
  for (const name of names) {
    const digest = name.slice(name.indexOf('@') + 1);
    // The name may outlive the document, and be that of an index.
    const bytes = isDigest(digest) ? await store.readBlob(digest).catch(() => null) : null;
    const found = bytes && digestOf(bytes) === digest ? readManifest(bytes, digest) : null;
    if (found?.manifest.config.digest === id) return found;
  }
  return null;
}

function readManifest(bytes: Buffer, digest: Digest) {
  const { mediaType: said, config } = JSON.parse(bytes.toString()) as Partial<Manifest>;
  const mediaType = said === MEDIA_TYPE_DOCKER_MANIFEST ? said : MEDIA_TYPE_MANIFEST;
  if (config === undefined || (said !== undefined && said !== mediaType)) return null;
  const document = { bytes, where: digest, descriptor: { mediaType, digest, size: bytes.length } };
  const read = readDocument(document);
  return 'manifest' in read ? { ...document, manifest: read.manifest } : null;
}

/** `layers` bottom first, as they travel. */
export function writeManifest(
  format: Format,
  config: { id: Digest; size: number },
  layers: Descriptor[],
): StoredDocument {
  const mediaType = manifestType(format);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: configType(format), digest: config.id, size: config.size },
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  return { bytes, where: digest, descriptor: { mediaType, digest, size: bytes.length } };
}
