/**
 * Where things lie in a store: Docker's names and shape, so that the same walk by hand works here.
 */
import { join } from 'node:path';
import { hexOf } from './digest.ts';
import type { Digest } from './spec.ts';

export function storePaths(directory: string) {
  const image = join(directory, 'image');
  const overlay = join(directory, 'overlay2');
  const layers = join(image, 'layerdb/sha256');
  return {
    lock: join(image, 'lock'),
    repositories: join(image, 'repositories.json'),
    images: join(image, 'imagedb/content/sha256'),
    image: (id: Digest) => join(image, 'imagedb/content/sha256', hexOf(id)),
    layers,
    layer: (chainId: Digest) => join(layers, hexOf(chainId)),
    /** Layers that are being made, by cache id. */
    unfinished: join(image, 'layerdb/tmp'),
    /** A file for each cache id that somebody is at work with. */
    leases: join(image, 'layerdb/leases'),
    lease: (cacheId: string) => join(image, 'layerdb/leases', cacheId),
    distribution: join(image, 'distribution/sha256'),
    knownBlobs: (diffId: Digest) => join(image, 'distribution/sha256', `${hexOf(diffId)}.json`),
    overlay,
    unpacked: (cacheId: string) => join(overlay, cacheId),
    diff: (cacheId: string) => join(overlay, cacheId, 'diff'),
    aside: (cacheId: string) => join(overlay, cacheId, 'aside'),
    links: join(overlay, 'l'),
    blobs: join(directory, 'blobs/sha256'),
    blob: (digest: Digest) => join(directory, 'blobs/sha256', hexOf(digest)),
  };
}

export type StorePaths = ReturnType<typeof storePaths>;
