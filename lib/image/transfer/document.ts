/**
 * Manifests and indexes as they came from outside: bytes that are digested, and what they say. Both
 * kinds exist in OCI's and in Docker's media types, with the same fields.
 *
 * OCI image-spec: manifest.md, image-index.md; Docker Image Manifest V2, Schema 2
 */
import { isDigest } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import {
  type Descriptor,
  type Index,
  type Manifest,
  MEDIA_TYPE_CONFIG,
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_INDEX,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_INDEX,
  MEDIA_TYPE_MANIFEST,
} from '../spec.ts';
import { compressionOf } from './layer-type.ts';

/** Verified bytes; `where` is what messages call them. */
export interface StoredDocument {
  bytes: Buffer;
  descriptor: Descriptor;
  where: string;
}

export type Document = { manifest: Manifest } | { index: Index };

const INDEX_TYPES = new Set([MEDIA_TYPE_INDEX, MEDIA_TYPE_DOCKER_INDEX]);
const MANIFEST_TYPES = new Set([MEDIA_TYPE_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST]);
const CONFIG_TYPES = new Set([MEDIA_TYPE_CONFIG, MEDIA_TYPE_DOCKER_CONFIG]);
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;
const MOST_LAYERS = 1000;

/**
 * Reads the document as what its descriptor says it is. Throws ImageError when it is something
 * else, which is also how one document is kept from being taken for both (CVE-2021-41190).
 */
export function readDocument({ bytes, descriptor, where }: StoredDocument): Document {
  const { mediaType } = descriptor;
  if (SCHEMA_1.test(mediaType)) {
    const remedy = 'push it again with a client of this decade';
    throw new ImageError(where, 'a manifest of schema 1, which names no configuration', { remedy });
  }
  const isIndex = INDEX_TYPES.has(mediaType);
  if (!isIndex && !MANIFEST_TYPES.has(mediaType)) {
    const remedy = 'look whether the name is that of an image';
    const what = `its type is ${JSON.stringify(mediaType)}, which is no manifest or index`;
    throw new ImageError(where, what, { remedy });
  }
  const found = parseJson(bytes, where) as Partial<Manifest> & Partial<Index>;
  const wrong = (what: string) => new ImageError(where, what);
  if (found.schemaVersion !== 2) throw wrong('its schemaVersion is not 2');
  if (found.mediaType !== undefined && found.mediaType !== mediaType) {
    throw wrong(`it came as ${mediaType} and says that it is ${found.mediaType}`);
  }
  const both = found.manifests !== undefined && (found.layers ?? found.config) !== undefined;
  if (both) throw wrong('it is manifest and index at once');
  return isIndex
    ? { index: checkIndex(found as Index, where) }
    : { manifest: checkManifest(found as Manifest, where) };
}

export function parseJson(bytes: Buffer, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new ImageError(where, `no JSON: ${(cause as Error).message}`, { cause });
  }
  throw new ImageError(where, 'no JSON object');
}

function checkIndex(index: Index, where: string): Index {
  if (!Array.isArray(index.manifests)) throw new ImageError(where, 'it lists no manifests');
  for (const [at, entry] of index.manifests.entries()) {
    checkDescriptor(entry, `${where}: manifests[${at}]`);
  }
  return index;
}

function checkManifest(manifest: Manifest, where: string): Manifest {
  checkDescriptor(manifest.config, `${where}: config`);
  const { mediaType } = manifest.config;
  if (!CONFIG_TYPES.has(mediaType)) {
    const what = `no image: its configuration is ${JSON.stringify(mediaType)}`;
    throw new ImageError(where, what, { remedy: 'it wants another tool, the one that made it' });
  }
  if (!Array.isArray(manifest.layers)) throw new ImageError(where, 'it lists no layers');
  if (manifest.layers.length > MOST_LAYERS) {
    throw new ImageError(where, `it lists more than ${MOST_LAYERS} layers`);
  }
  for (const [at, layer] of manifest.layers.entries()) {
    checkDescriptor(layer, `${where}: layers[${at}]`);
    // Refused here already, before anything is fetched.
    compressionOf(layer, `${where}: layers[${at}]`);
  }
  return manifest;
}

function checkDescriptor(descriptor: Descriptor, where: string): void {
  const { mediaType, digest, size } = descriptor ?? {};
  if (typeof mediaType !== 'string') throw new ImageError(where, 'no mediaType');
  if (!isDigest(digest)) throw new ImageError(where, `no sha256 digest: ${JSON.stringify(digest)}`);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new ImageError(where, `no size in bytes: ${JSON.stringify(size)}`);
  }
}
