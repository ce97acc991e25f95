/**
 * An image made without any network: one layer with programs of this machine and what they need, or
 * with busybox alone. Nothing in it says when or by whom it was made, so the same programs give the
 * same image id everywhere.
 *
 * - `makeBaseImage`: makes it, or finds it made.
 */
import { lchownSync, lstatSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { execa } from 'execa';
import { stateDirectory } from '../../host/state.ts';
import { withHost } from '../../host/with-host.ts';
import { findCommand } from '../../observe/command.ts';
import { copyRootfs } from '../../rootfs/copy-rootfs.ts';
import { ensureRootfs } from '../../rootfs/rootfs-cache.ts';
import type { RootfsOptions } from '../../rootfs/rootfs-plan.ts';
import { cacheKey, openCache } from '../build/cache.ts';
import { DEFAULT_PATH } from '../build/draft.ts';
import { setTime } from '../build/place.ts';
import { ImageError } from '../image-error.ts';
import type { ImageConfig } from '../spec.ts';
import type { ImageRecord, Layer, Store } from '../store.ts';
import { hostPlatform } from '../transfer/platform.ts';
import { OS_RELEASE, ofHost } from './base-tree.ts';

export const BASE_IMAGE = 'unboxed/base';

export interface BaseOptions {
  /** This machine's own programs, with their libraries, or busybox with all that it can do. */
  from?: 'host' | 'busybox';
  /** Which programs of this machine, by name; what is not there is left out. */
  commands?: readonly string[];
  /** A directory to take in place of a tree that is made; it is only read. */
  tree?: string;
  /** `unboxed/base` unless given. */
  names?: readonly string[];
  /** Seconds since 1970, the time of everything in it. Default 0. */
  sourceDateEpoch?: number;
  /** Where the tree is kept and the run journalled; the usual place unless given. */
  state?: string;
}

/** Throws RootfsError, ImageError: no such program here. */
export async function makeBaseImage(store: Store, options: BaseOptions = {}): Promise<ImageRecord> {
  const { from = 'host', names = [BASE_IMAGE], sourceDateEpoch = 0 } = options;
  const wanted = from === 'host' ? ofHost(options.commands) : await ofBusybox();
  const state = options.state ?? stateDirectory();
  const layer = options.tree
    ? await packTree(store, options.tree, options)
    : await layerOf(store, (await ensureRootfs(state, wanted)).path, options);
  const created = new Date(sourceDateEpoch * 1000).toISOString();
  const config: ImageConfig = {
    created,
    ...hostPlatform(),
    config: { Env: [`PATH=${DEFAULT_PATH}`], Cmd: ['/bin/sh'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, created_by: `programs of ${from === 'host' ? 'this machine' : from}` }],
  };
  return store.putImage(config, [...names]);
}

async function ofBusybox(): Promise<RootfsOptions> {
  const busybox = findCommand('busybox');
  if (busybox === null) {
    throw new ImageError(BASE_IMAGE, 'busybox is not installed', {
      remedy: 'install it, or take the programs of this machine',
    });
  }
  const { stdout } = await execa(busybox, ['--list']);
  const names = stdout.split('\n').filter((name) => /^[^/\s]+$/.test(name) && name !== 'busybox');
  const aliases = Object.fromEntries(names.map((name) => [name, 'busybox']));
  return { osRelease: OS_RELEASE, commands: ['busybox'], aliases };
}

/** A tree that was made has its name by what is in it: the layer made of it is known by that. */
async function layerOf(store: Store, tree: string, options: BaseOptions): Promise<Layer> {
  const cache = openCache(store, { reads: true });
  const key = cacheKey(BASE_IMAGE, basename(tree), options.sourceDateEpoch ?? 0);
  const known = (await cache.find(key))?.chainId;
  const found: Layer | null = known ? await store.layer(known) : null;
  if (found) return found;
  const made = await packTree(store, tree, options);
  cache.keep(key, { chainId: made.chainId, created: new Date(0).toISOString() });
  return made;
}

function packTree(
  store: Store,
  tree: string,
  { sourceDateEpoch = 0, state }: BaseOptions,
): Promise<Layer> {
  return withHost(`base-${process.pid}`, state, async ({ directory }) => {
    const root = `${directory}/root`;
    await copyRootfs(tree, root);
    settle(root, BigInt(sourceDateEpoch) * 1_000_000_000n);
    return store.commitLayer(null, root);
  });
}

/** One owner and one time for everything, what is in a directory before it. */
function settle(path: string, time: bigint): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) settle(`${path}/${name}`, time);
  }
  if (process.geteuid?.() === 0) lchownSync(path, 0, 0);
  setTime(path, time);
}
