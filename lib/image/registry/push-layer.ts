/**
 * One layer into a registry by the cheapest way there is: it is there; the registry takes it from
 * another of its repositories; it is packed and sent. The store remembers as which blobs a layer has
 * been met, and where.
 */
import type { Descriptor, Digest } from '../spec.ts';
import type { KnownBlob, Store } from '../store.ts';
import { encodeLayer } from '../transfer/encode-layer.ts';
import { type Compression, compressionOf, type Format, layerType } from '../transfer/layer-type.ts';
import type { openProgress } from '../transfer/progress.ts';
import type { Repository } from './repository.ts';
import { hasBlob, mountBlob, uploadBlob } from './upload.ts';

export interface LayerToPush {
  diffId: Digest;
  chainId: Digest;
  /** As which it was pulled: tried first. */
  known?: Descriptor | undefined;
  tell: ReturnType<typeof openProgress>;
}

export interface PushedLayer {
  blob: Descriptor;
  how: 'present' | 'mounted' | 'sent';
}

/** Kept from asking for each of the places that a layer of a base image has been seen at. */
const MOST_QUESTIONS = 8;

/** With `compression` only blobs packed so are taken. Throws RegistryError and ImageError. */
export async function pushLayer(
  store: Store,
  repository: Repository,
  layer: LayerToPush,
  { format, compression }: { format: Format; compression: Compression | undefined },
): Promise<PushedLayer> {
  const { diffId, chainId, tell } = layer;
  const blobOf = (digest: Digest, size: number, packed: Compression): Descriptor => ({
    mediaType: layerType(format, packed),
    digest,
    size,
  });
  const known = await knownBlobs(store, layer, repository.name);
  for (const blob of known.slice(0, MOST_QUESTIONS)) {
    const packed = compressionOf(blob, blob.digest);
    if (packed !== (compression ?? packed) || (packed === 'zstd' && format === 'docker')) continue;
    const how = await find(repository, blob);
    if (how === null) continue;
    tell(how);
    await store.rememberBlob(diffId, { ...blob, repository: repository.name });
    return { how, blob: blobOf(blob.digest, blob.size, packed) };
  }
  const packed = compression ?? 'gzip';
  const { digest, size } = await uploadBlob(repository, () => encodeLayer(store, chainId, packed), {
    onProgress: (bytes) => tell('uploading', { bytes }),
    onRetry: (reason) => tell('retrying', { reason, bytes: 0 }),
  });
  tell('done');
  const blob = blobOf(digest, size, packed);
  const { mediaType } = blob;
  await store.rememberBlob(diffId, { digest, size, mediaType, repository: repository.name });
  return { how: 'sent', blob };
}

/** The likeliest first: as it was pulled, then what this repository has had. */
async function knownBlobs(
  store: Store,
  { diffId, known }: LayerToPush,
  repository: string,
): Promise<KnownBlob[]> {
  const blobs = await store.blobsOf(diffId);
  const rank = (blob: KnownBlob) =>
    (blob.digest === known?.digest ? 2 : 0) + (blob.repository === repository ? 1 : 0);
  return blobs.toSorted((a, b) => rank(b) - rank(a));
}

async function find(
  repository: Repository,
  blob: KnownBlob,
): Promise<'present' | 'mounted' | null> {
  if (await hasBlob(repository, blob.digest)) return 'present';
  const registry = repository.name.slice(0, repository.name.indexOf('/') + 1);
  const { repository: other } = blob;
  if (other === null || other === repository.name || !other.startsWith(registry)) return null;
  const mounted = await mountBlob(repository, blob.digest, other.slice(registry.length));
  return mounted ? 'mounted' : null;
}
