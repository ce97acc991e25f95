/**
 * Layers of a store: what a layer is on disk, and how one comes into being. A layer is made under a
 * random name, its cache id, where nobody looks, and is there for others from the moment when its
 * directory in layerdb gets its name. Of two processes that make the same layer at once one wins, and
 * both use the winner's.
 */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { removeTree } from '../host/remove-tree.ts';
import { syncDirectory } from './atomic-file.ts';
import { chainId } from './chain-id.ts';
import { mismatch, parseDigest } from './digest.ts';
import { ImageError } from './image-error.ts';
import { type LayerFiles, writeLayerTar } from './layer-tar.ts';
import type { Leases } from './leases.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import type { Digest } from './spec.ts';
import type { Layer, LayerSource } from './store.ts';
import type { StorePaths } from './store-paths.ts';
import { createSplitWriter } from './tar-split.ts';
import { type Unpacked, unpackLayer } from './unpack-layer.ts';

/** 26 characters of 5 bits, as Docker's: the 128th lower directory still fits the option string. */
const SHORT = 26;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function createLayers(paths: StorePaths, leases: Leases) {
  async function addLayer(source: LayerSource): Promise<Layer> {
    const { parent, diffId, stream } = source;
    try {
      const known = diffId && (await take(chainId(parent, diffId)));
      if (known) return known;
      if (parent && !(await take(parent))) {
        throw new ImageError(parent, 'this layer is not in the store', {
          remedy: 'add the layers from the bottom up',
        });
      }
      return await unpack(source);
    } finally {
      stream.destroy();
    }
  }

  async function unpack({ parent, diffId, stream, ...rest }: LayerSource): Promise<Layer> {
    const cacheId = randomBytes(32).toString('hex');
    await leases.hold(cacheId);
    const entry = join(paths.unfinished, cacheId);
    mkdirSync(entry, { recursive: true, mode: 0o700 });
    // The root of a merged tree shows the topmost layer's mode.
    mkdirSync(paths.diff(cacheId), { recursive: true, mode: 0o755 });
    const record = createSplitWriter(join(entry, 'tar-split.json.gz'));
    try {
      const aside = paths.aside(cacheId);
      const lowers = parent ? lowerdirs(parent) : [];
      const unpacked = await unpackLayer(stream, paths.diff(cacheId), {
        ...rest,
        record,
        aside,
        lowers,
      });
      const recordDigest = await record.close();
      const got = { digest: unpacked.diffId, size: unpacked.tarBytes };
      const wrong = diffId && mismatch({ digest: diffId }, got, `the layer ${diffId}`);
      if (wrong) throw wrong;
      const layer = await publish(cacheId, parent, unpacked, recordDigest);
      if (layer.cacheId !== cacheId) discard(cacheId);
      return layer;
    } catch (error) {
      record.destroy();
      discard(cacheId);
      throw error;
    }
  }

  /** What was made gets its name; returns the layer, which may be somebody else's. */
  async function publish(
    cacheId: string,
    parent: Digest | null,
    { diffId, size, omitted }: Unpacked,
    recordDigest: Digest,
  ): Promise<Layer> {
    const chain = chainId(parent, diffId);
    const entry = join(paths.unfinished, cacheId);
    const say = (name: string, text: string) =>
      writeFileSync(join(entry, name), text, { mode: 0o600, flush: true });
    say('cache-id', cacheId);
    say('diff', diffId);
    say('size', String(size));
    say('tar-split.digest', recordDigest);
    if (parent) say('parent', parent);
    if (omitted.length > 0) writeSealed(join(entry, 'omitted.json'), 'Omitted', omitted);

    const short = Array.from(randomBytes(SHORT), (byte) => BASE32[byte & 31]).join('');
    mkdirSync(paths.links, { recursive: true, mode: 0o700 });
    // In this order, so that a link that nobody wrote down never stays.
    writeFileSync(join(paths.unpacked(cacheId), 'link'), short, { flush: true });
    symlinkSync(`../${cacheId}/diff`, join(paths.links, short));
    if (parent) {
      const below = lowerdirs(parent).map((link) => `l/${link.slice(paths.links.length + 1)}`);
      writeFileSync(join(paths.unpacked(cacheId), 'lower'), below.join(':'), { flush: true });
    }

    // Not file by file: there are thousands. And in another process, since it may take its time.
    await execa('sync', ['--file-system', paths.diff(cacheId)]);
    syncDirectory(entry);
    mkdirSync(paths.layers, { recursive: true, mode: 0o700 });
    for (;;) {
      try {
        renameSync(entry, paths.layer(chain));
        syncDirectory(paths.layers);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      }
      const layer = await take(chain);
      // Null: whose it was has been collected since.
      if (layer) return layer;
    }
  }

  /** Removes what a layer that came to nothing has left. */
  function discard(cacheId: string): void {
    removeUnpacked(paths, cacheId);
    leases.release(cacheId);
    removeTree(paths.lease(cacheId));
  }

  /** The layer, held so that it stays, or null. */
  async function take(chain: Digest): Promise<Layer | null> {
    const layer = read(chain);
    if (!layer) return null;
    await leases.hold(layer.cacheId);
    if (read(chain)?.cacheId === layer.cacheId) return layer;
    leases.release(layer.cacheId);
    return null;
  }

  /** Throws ImageError where what is written down cannot be. */
  function read(chain: Digest): Layer | null {
    const entry = paths.layer(chain);
    const cacheId = readIfThere(join(entry, 'cache-id'));
    if (cacheId === null) return null;
    if (!/^[0-9a-f]{64}$/.test(cacheId)) throw damaged(join(entry, 'cache-id'));
    const parent = readIfThere(join(entry, 'parent'));
    const short = readIfThere(join(paths.unpacked(cacheId), 'link')) ?? '';
    if (!/^[A-Z2-7]{26}$/.test(short)) throw damaged(join(paths.unpacked(cacheId), 'link'));
    return {
      chainId: chain,
      diffId: parseDigest(readIfThere(join(entry, 'diff')), join(entry, 'diff')),
      size: Number(readIfThere(join(entry, 'size'))),
      parent: parent === null ? null : parseDigest(parent, join(entry, 'parent')),
      cacheId,
      diff: paths.diff(cacheId),
      link: join(paths.links, short),
      omitted: readSealed<string[]>(join(entry, 'omitted.json'), 'Omitted', 'remove it') ?? [],
    };
  }

  /** Throws ImageError where it is not there. */
  function need(chain: Digest): Layer {
    const layer = read(chain);
    if (layer) return layer;
    const remedy = 'pull or load its image again';
    throw new ImageError(chain, 'this layer is not in the store', { remedy });
  }

  /** From `chain` down. */
  function stack(chain: Digest): Layer[] {
    const layers: Layer[] = [];
    for (let next: Digest | null = chain; next !== null; ) {
      const layer = need(next);
      layers.push(layer);
      next = layer.parent;
    }
    return layers;
  }

  const lowerdirs = (chain: Digest): string[] => stack(chain).map(({ link }) => link);

  const files = ({ chainId: chain, diffId, diff, cacheId }: Layer): LayerFiles => ({
    diffId,
    record: join(paths.layer(chain), 'tar-split.json.gz'),
    diff,
    aside: paths.aside(cacheId),
  });

  async function* tarOf(chain: Digest) {
    yield* writeLayerTar(files(need(chain)));
  }

  return {
    addLayer,
    read,
    need,
    stack,
    take,
    files,
    lowerdirs,
    layerTar: (chain: Digest): Readable => Readable.from(tarOf(chain), { objectMode: false }),
  };
}

export type Layers = ReturnType<typeof createLayers>;

/** Everything that goes by a cache id, besides the layerdb entry and the lease. */
export function removeUnpacked(paths: StorePaths, cacheId: string): void {
  const short = readIfThere(join(paths.unpacked(cacheId), 'link'));
  if (short && /^[A-Z2-7]{26}$/.test(short)) removeTree(join(paths.links, short));
  removeTree(paths.unpacked(cacheId));
  removeTree(join(paths.unfinished, cacheId));
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

const damaged = (path: string) =>
  new ImageError(path, 'is damaged', { remedy: 'remove the image and pull it again' });
