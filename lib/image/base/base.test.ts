import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executeInContainer } from '../../container/build-step.ts';
import { removeTree } from '../../host/remove-tree.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import type { Need } from '../../observe/needs.ts';
import { buildImage } from '../build/build.ts';
import { chainIds } from '../chain-id.ts';
import { openStore } from '../store.ts';
import { type BaseOptions, makeBaseImage } from './base.ts';

let top: string;
beforeAll(() => {
  // Not below /tmp, which may be an overlay or a tmpfs: an upper cannot lie on the former.
  top = mkdtempSync('/var/tmp/unboxed-base-');
});
afterAll(() => removeTree(top));

/** In a store and with a cache of trees that nobody has used before. */
async function make(options: BaseOptions) {
  const own = mkdtempSync(join(top, 'own-'));
  const state = join(own, 'state');
  const store = await openStore(join(own, 'images'));
  const image = await makeBaseImage(store, { ...options, state });
  const [diffId = null] = image.config.rootfs.diff_ids;
  const layer = diffId && (await store.layer(diffId));
  if (!layer) throw new Error('no layer');
  return { image, store, state, layer, context: own };
}

const KINDS = [
  ['host', ['root', 'overlay', 'ldd']],
  ['busybox', ['root', 'overlay', 'ldd', 'busybox']],
] as const satisfies [string, Need[]][];

describe.each(KINDS)('an image with the programs of %s', (from, needed) => {
  itNeeds([...needed], 'is the same each time, whoever makes it and when', async () => {
    const first = await make({ from });
    await setTimeout(1100);
    const umask = process.umask(0o077);
    const second = await make({ from }).finally(() => process.umask(umask));
    expect(second.layer.diffId).toBe(first.layer.diffId);
    expect(second.image.id).toBe(first.image.id);
    expect(first.image.config.created).toBe('1970-01-01T00:00:00.000Z');
  });

  itNeeds([...needed], 'is one layer, of one time and owner, that a build can run in', async () => {
    const { image, store, state, layer, context } = await make({ from, sourceDateEpoch: 1e9 });
    expect(image.config.rootfs.diff_ids).toHaveLength(1);
    for (const name of readdirSync(layer.diff, { recursive: true, encoding: 'utf8' })) {
      const { uid, gid, mtimeMs } = lstatSync(join(layer.diff, name));
      expect([name, uid, gid, mtimeMs]).toEqual([name, 0, 0, 1e12]);
    }
    const early = await makeBaseImage(store, { from, state });
    expect(early.config.rootfs).not.toEqual(image.config.rootfs);
    await makeBaseImage(store, { from, state, sourceDateEpoch: 1e9 });
    writeFileSync(join(context, 'Dockerfile'), 'FROM unboxed/base\nRUN ls / | wc -l > /count\n');
    const built = await buildImage({
      ...{ store, context, state, execute: executeInContainer, network: 'none' },
    });
    const top = chainIds(built.config.rootfs.diff_ids).at(-1);
    const made = top && (await store.layer(top));
    expect(Number(readFileSync(`${made?.diff}/count`, 'utf8'))).toBeGreaterThan(5);
  });
});

itNeeds([...KINDS[1][1]], 'in that of busybox every command is busybox', async () => {
  const { layer } = await make({ from: 'busybox' });
  const bin = join(layer.diff, 'bin');
  const sizes = readdirSync(bin).map((name) => lstatSync(join(bin, name)));
  expect(sizes.filter((stats) => stats.isFile() && stats.size > 100_000)).toHaveLength(1);
  expect(sizes.length).toBeGreaterThan(100);
});

it('a tree may be taken as it is, and is only read', async () => {
  const tree = join(top, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'only'), 'this');
  const before = lstatSync(tree).mtimeMs;
  const { layer } = await make({ tree });
  expect(readdirSync(layer.diff)).toEqual(['only']);
  expect(lstatSync(tree).mtimeMs).toBe(before);
});
