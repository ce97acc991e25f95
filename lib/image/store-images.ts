/**
 * Image records of a store: configurations, byte for byte, and the names that point to them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { isUnfinished, writeAtomic } from './atomic-file.ts';
import { chainIds } from './chain-id.ts';
import { digestOf, hexOf, isDigest } from './digest.ts';
import { ImageError } from './image-error.ts';
import type { Leases } from './leases.ts';
import { withLock } from './lock.ts';
import { fullName, type Names, readNames, writeNames } from './repositories.ts';
import type { Digest, ImageConfig } from './spec.ts';
import type { ImageRecord } from './store.ts';
import type { Layers } from './store-layers.ts';
import type { StorePaths } from './store-paths.ts';

/** Fewer digits of an id are taken for a name. */
const SHORTEST_ID = 4;

export function createImages(paths: StorePaths, layers: Layers, leases: Leases) {
  mkdirSync(paths.images, { recursive: true, mode: 0o700 });

  async function putImage(given: Buffer | ImageConfig, names: string[]): Promise<ImageRecord> {
    const bytes = Buffer.isBuffer(given) ? given : Buffer.from(JSON.stringify(given));
    const id = digestOf(bytes);
    const config = decodeConfig(bytes, id);
    const full = names.map(fullName);
    const held: string[] = [];
    for (const chain of chainIds(config.rootfs.diff_ids)) {
      const layer = await layers.take(chain);
      // Says what is missing.
      held.push((layer ?? layers.need(chain)).cacheId);
    }
    if (full.length === 0) await leases.hold(hexOf(id));
    await withLock(paths.lock, () => {
      writeAtomic(paths.image(id), bytes);
      if (full.length > 0) changeNames((all) => full.forEach((name) => void all.set(name, id)));
    });
    // Its names keep it from now on; without one only this process does.
    if (full.length > 0) release(id, held);
    return describe(id, readNames(paths.repositories));
  }

  /** To be called with the store's lock. */
  function changeNames(change: (names: Names) => void): void {
    const names = readNames(paths.repositories);
    change(names);
    writeNames(paths.repositories, names);
  }

  async function tag(id: Digest, name: string): Promise<void> {
    const full = fullName(name);
    await withLock(paths.lock, () => {
      if (!existsSync(paths.image(id))) throw new ImageError(id, 'there is no such image');
      changeNames((names) => void names.set(full, id));
    });
    const chains = chainIds(readConfig(id).rootfs.diff_ids);
    release(
      id,
      chains.flatMap((chain) => layers.read(chain)?.cacheId ?? []),
    );
  }

  function release(id: Digest, cacheIds: readonly string[]): void {
    leases.release(hexOf(id));
    for (const cacheId of cacheIds) leases.release(cacheId);
  }

  async function untag(name: string): Promise<void> {
    const full = fullName(name);
    await withLock(paths.lock, () => {
      changeNames((names) => {
        if (!names.delete(full)) throw new ImageError(name, 'there is no image of that name');
      });
    });
  }

  async function image(nameOrId: string): Promise<ImageRecord | null> {
    const names = readNames(paths.repositories);
    const id = idOf(nameOrId, names);
    return id && existsSync(paths.image(id)) ? describe(id, names) : null;
  }

  function idOf(nameOrId: string, names: Names): Digest | null {
    if (isDigest(nameOrId)) return nameOrId;
    if (isDigest(`sha256:${nameOrId}`)) return `sha256:${nameOrId}`;
    const beginning = /^(?:sha256:)?([0-9a-f]+)$/.exec(nameOrId)?.[1];
    const named = nameOrId.startsWith('sha256:') ? undefined : names.get(fullName(nameOrId));
    if (named || !beginning || beginning.length < SHORTEST_ID) return named ?? null;
    const found = ids().filter((id) => id.startsWith(`sha256:${beginning}`));
    if (found.length > 1) {
      const remedy = 'give more of its id';
      throw new ImageError(nameOrId, `${found.length} images have an id that begins so`, {
        remedy,
      });
    }
    return found[0] ?? null;
  }

  /** All that there are, also what is no configuration any more. */
  function ids(): Digest[] {
    const names = readdirSync(paths.images).filter((name) => !isUnfinished(name));
    return names.map((name) => `sha256:${name}` as const).filter(isDigest);
  }

  async function images(): Promise<ImageRecord[]> {
    const names = readNames(paths.repositories);
    return ids().map((id) => describe(id, names));
  }

  function describe(id: Digest, names: Names): ImageRecord {
    const config = readConfig(id);
    const sizes = chainIds(config.rootfs.diff_ids).map((chain) => layers.read(chain)?.size ?? 0);
    return {
      id,
      config,
      names: [...names].filter(([, it]) => it === id).map(([name]) => name),
      created: config.created ?? null,
      size: sizes.reduce((sum, size) => sum + size, 0),
    };
  }

  function configBytes(id: Digest): Buffer {
    try {
      return readFileSync(paths.image(id));
    } catch (cause) {
      throw new ImageError(id, 'there is no such image', { cause });
    }
  }

  const readConfig = (id: Digest): ImageConfig => decodeConfig(configBytes(id), paths.image(id));

  return { putImage, tag, untag, image, images, ids, configBytes, readConfig };
}

export type Images = ReturnType<typeof createImages>;

function decodeConfig(bytes: Buffer, where: string): ImageConfig {
  try {
    const config = JSON.parse(bytes.toString('utf8')) as ImageConfig;
    const diffIds: unknown = config.rootfs?.diff_ids;
    if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) throw new Error('no rootfs.diff_ids');
    return config;
  } catch (cause) {
    const what = `is no image configuration: ${(cause as Error).message}`;
    throw new ImageError(where, what, { cause });
  }
}
