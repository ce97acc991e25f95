/**
 * Taking away what nobody needs, beside other processes that pull, build and tag. What is in use is
 * held by a lease (leases.ts); everything is looked at once more while its lease is ours, because it may
 * have become needed since. A layer loses its name in layerdb first: nobody ever finds half a layer.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { isUnfinished, removeUnfinished } from './atomic-file.ts';
import { chainIds } from './chain-id.ts';
import { hexOf, isDigest } from './digest.ts';
import type { Leases } from './leases.ts';
import { withLock } from './lock.ts';
import { readNames } from './repositories.ts';
import type { Digest, Index, Manifest } from './spec.ts';
import type { Garbage } from './store.ts';
import type { Images } from './store-images.ts';
import { type Layers, removeUnpacked } from './store-layers.ts';
import type { StorePaths } from './store-paths.ts';

export interface Collecting {
  paths: StorePaths;
  leases: Leases;
  layers: Layers;
  images: Images;
}

/** See `Store.collectGarbage`. */
export async function collectGarbage(
  store: Collecting,
  keep: ReadonlySet<Digest>,
): Promise<Garbage> {
  const garbage: Garbage = { removed: [], bytes: 0 };
  await removeImages(store, keep, garbage);
  await removeLayers(store, keep, garbage);
  await removeLeftovers(store, garbage);
  await removeDocuments(store, garbage);
  return garbage;
}

async function removeImages(
  { paths, images, leases }: Collecting,
  keep: ReadonlySet<Digest>,
  garbage: Garbage,
): Promise<void> {
  await withLock(paths.lock, async () => {
    const named = new Set(readNames(paths.repositories).values());
    for (const id of images.ids()) {
      if (named.has(id) || keep.has(id)) continue;
      await leases.unlessHeld(hexOf(id), async () => remove(paths.image(id), id, garbage));
    }
  });
}

/** Chain ids of everything that images, and who asked to keep something, stand on. */
function neededLayers({ images, layers }: Collecting, keep: ReadonlySet<Digest>): Set<Digest> {
  const needed = new Set<Digest>();
  for (const id of images.ids()) {
    for (const chain of chainIds(images.readConfig(id).rootfs.diff_ids)) needed.add(chain);
  }
  for (const chain of keep) {
    if (layers.read(chain)) for (const layer of layers.stack(chain)) needed.add(layer.chainId);
  }
  return needed;
}

async function removeLayers(
  store: Collecting,
  keep: ReadonlySet<Digest>,
  garbage: Garbage,
): Promise<void> {
  const { paths, leases, layers } = store;
  const needed = neededLayers(store, keep);
  for (const chain of layerIds(paths)) {
    if (needed.has(chain)) continue;
    const cacheId = layers.read(chain)?.cacheId;
    if (cacheId === undefined) continue;
    await leases.unlessHeld(cacheId, async () => {
      if (neededLayers(store, keep).has(chain)) return;
      garbage.removed.push(chain);
      garbage.bytes += bytesIn(paths.unpacked(cacheId)) + bytesIn(paths.layer(chain));
      mkdirSync(paths.unfinished, { recursive: true, mode: 0o700 });
      renameSync(paths.layer(chain), join(paths.unfinished, cacheId));
      removeUnpacked(paths, cacheId);
    });
  }
}

export const layerIds = ({ layers }: StorePaths): Digest[] =>
  namesIn(layers)
    .map((name) => `sha256:${name}` as const)
    .filter(isDigest);

/** What processes that were killed have left. */
async function removeLeftovers(store: Collecting, garbage: Garbage): Promise<void> {
  const { paths, leases } = store;
  const known = () => new Set(layerIds(paths).map((chain) => store.layers.read(chain)?.cacheId));
  const seen = [...namesIn(paths.overlay), ...namesIn(paths.unfinished), ...leases.names()];
  const published = known();
  for (const cacheId of new Set(seen)) {
    if (!/^[0-9a-f]{64}$/.test(cacheId) || published.has(cacheId)) continue;
    await leases.unlessHeld(cacheId, async () => {
      if (known().has(cacheId)) return;
      for (const path of [paths.unpacked(cacheId), join(paths.unfinished, cacheId)]) {
        if (!existsSync(path)) continue;
        garbage.removed.push(path);
        garbage.bytes += bytesIn(path);
      }
      removeUnpacked(paths, cacheId);
    });
  }
  for (const name of namesIn(paths.links)) {
    const path = join(paths.links, name);
    if (existsSync(path) || isBeingMade(store, readlinkSync(path))) continue;
    remove(path, path, garbage);
  }
  for (const path of [
    paths.images,
    paths.blobs,
    paths.distribution,
    join(paths.images, '../../..'),
  ]) {
    garbage.removed.push(...removeUnfinished(path));
  }
}

/** A link's directory that is not there is either gone or, for a moment, on its way. */
const isBeingMade = ({ leases }: Collecting, target: string) =>
  leases.names().includes(target.split('/')[1] ?? '');

/** Documents and records about what is no longer here. */
async function removeDocuments(store: Collecting, garbage: Garbage): Promise<void> {
  const { paths, leases, images, layers } = store;
  await withLock(paths.lock, async () => {
    const diffIds = new Set(layerIds(paths).map((chain) => layers.read(chain)?.diffId));
    for (const name of namesIn(paths.distribution)) {
      const diffId = `sha256:${name.replace(/\.json$/, '')}`;
      const path = join(paths.distribution, name);
      if (isDigest(diffId) && !diffIds.has(diffId)) remove(path, path, garbage);
    }
    const needed = neededDocuments(paths, new Set(images.ids()));
    for (const name of namesIn(paths.blobs).filter((it) => !isUnfinished(it))) {
      const digest = `sha256:${name}` as const;
      if (!isDigest(digest) || needed.has(digest)) continue;
      await leases.unlessHeld(name, async () => remove(paths.blob(digest), digest, garbage));
    }
  });
}

/** Manifests of images that there are, indexes of such manifests, and what a name has by digest. */
function neededDocuments(paths: StorePaths, ids: ReadonlySet<Digest>): Set<string> {
  const needed = new Set<string>();
  for (const name of readNames(paths.repositories).keys()) needed.add(name.split('@')[1] ?? '');
  const documents = namesIn(paths.blobs).flatMap((name) => {
    const document = parseDocument(join(paths.blobs, name));
    return document ? [{ digest: `sha256:${name}`, ...document }] : [];
  });
  for (const { digest, config } of documents) {
    if (config && ids.has(config.digest)) needed.add(digest);
  }
  for (const { digest, manifests } of documents) {
    if (manifests?.some((manifest) => needed.has(manifest.digest))) needed.add(digest);
  }
  return needed;
}

function parseDocument(path: string): Partial<Manifest & Index> | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<Manifest & Index>;
  } catch {
    return null;
  }
}

function remove(path: string, name: string, garbage: Garbage): void {
  garbage.bytes += lstatSync(path).size;
  unlinkSync(path);
  garbage.removed.push(name);
}

/** Of everything below; an entry that goes meanwhile counts nothing. */
function bytesIn(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats?.size ?? 0;
  return namesIn(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}

const namesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
