import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainIds } from './chain-id.ts';
import { digestOf } from './digest.ts';
import { createLeases, type Leases } from './leases.ts';
import type { Digest, ImageConfig } from './spec.ts';
import { openStore, type Store } from './store.ts';
import { collectGarbage } from './store-garbage.ts';
import { createImages } from './store-images.ts';
import { createLayers } from './store-layers.ts';
import { storePaths } from './store-paths.ts';
import { directory, inPieces, tar } from './tar.fixture.ts';

let base: string;
let store: Store;

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'unboxed-store-'));
  store = await openStore(base);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const add = (content: string, parent: Digest | null = null, into = store) =>
  into.addLayer({ parent, stream: inPieces(tar(directory('d/'), { name: 'd/f', content })) });

const config = (...diffIds: Digest[]): ImageConfig => ({
  architecture: 'amd64',
  os: 'linux',
  created: '2026-01-01T00:00:00Z',
  rootfs: { type: 'layers', diff_ids: diffIds },
});

const at = (...names: string[]) => join(base, ...names);
const text = (...names: string[]) => readFileSync(at(...names), 'utf8');

describe('by hand', () => {
  it('one comes from a name to the files, as in Docker’s store', async () => {
    const bottom = await add('bottom');
    const top = await add('top', bottom.chainId);
    await store.putImage(config(bottom.diffId, top.diffId), ['some/image:1']);

    const names = JSON.parse(text('image/repositories.json')).Repositories;
    const id = names['docker.io/some/image']['docker.io/some/image:1'].slice(7);
    const diffIds = JSON.parse(text('image/imagedb/content/sha256', id)).rootfs
      .diff_ids as Digest[];
    const sum = (input: string) => execFileSync('sha256sum', { input }).toString().slice(0, 64);
    const chain = sum(`${diffIds[0]} ${diffIds[1]}`);
    const layer = (name: string) => text('image/layerdb/sha256', chain, name);
    expect(layer('diff')).toBe(diffIds[1]);
    expect(layer('parent')).toBe(diffIds[0]);
    expect(layer('size')).toBe('3');
    const cacheId = layer('cache-id');
    expect(text('overlay2', cacheId, 'diff/d/f')).toBe('top');
    const link = text('overlay2', cacheId, 'link');
    expect(readlinkSync(at('overlay2/l', link))).toBe(`../${cacheId}/diff`);
    const lower = text('overlay2', cacheId, 'lower');
    expect(text('overlay2', lower, 'd/f')).toBe('bottom');
    expect(sum(layer('diff'))).toHaveLength(64);
  });
});

describe('layers', () => {
  it('that are known are not read again', async () => {
    const first = await add('x');
    const stream = new Readable({ read: () => expect.unreachable('it was read') });
    const again = await store.addLayer({ parent: null, diffId: first.diffId, stream });
    expect(again).toEqual(first);
    expect(stream.destroyed).toBe(true);
  });

  it('of one content are there once on one parent, and apart on another', async () => {
    const [a, b] = await Promise.all([add('same'), add('same')]);
    expect(b.cacheId).toBe(a.cacheId);
    const c = await add('same', a.chainId);
    expect(c.diffId).toBe(a.diffId);
    expect(c.chainId).not.toBe(a.chainId);
    expect(readdirSync(at('overlay2')).sort()).toEqual([a.cacheId, c.cacheId, 'l'].sort());
    expect(readdirSync(at('overlay2/l'))).toHaveLength(2);
  });

  it('with another diffID than promised leave nothing', async () => {
    const stream = inPieces(tar({ name: 'f' }));
    const promised = digestOf('other');
    await expect(store.addLayer({ parent: null, diffId: promised, stream })).rejects.toThrow(
      /the layer sha256:.* its content has the digest/,
    );
    expect(readdirSync(at('overlay2'))).toEqual([]);
    expect(readdirSync(at('image/layerdb/leases'))).toEqual([]);
  });

  it('on a parent that is not there are refused', async () => {
    await expect(add('x', digestOf('none'))).rejects.toThrow(/not in the store.*bottom up/);
  });

  it('of a directory of changes leave that as it is, and are the same each time', async () => {
    const upper = at('upper');
    mkdirSync(upper);
    writeFileSync(join(upper, 'f'), 'x');
    const bottom = await add('bottom');
    const layer = await store.commitLayer(bottom.chainId, upper);
    expect(layer).toEqual(await store.commitLayer(bottom.chainId, upper));
    expect(readFileSync(join(layer.diff, 'f'), 'utf8')).toBe('x');
    expect(readFileSync(join(upper, 'f'), 'utf8')).toBe('x');
    const lowers = await store.lowerdirs(layer.chainId);
    expect(lowers.map((path) => basename(path))).toEqual(
      [layer, bottom].map(({ link }) => basename(link)),
    );
  });
});

describe('images', () => {
  it('are found by name, by id and by the beginning of their id', async () => {
    const layer = await add('x');
    const bytes = Buffer.from(JSON.stringify(config(layer.diffId), null, 3));
    const { id } = await store.putImage(bytes, ['alpine', 'example.org/a/b:2']);
    expect(id).toBe(digestOf(bytes));
    expect((await store.imageConfig(id)).equals(bytes)).toBe(true);
    for (const name of [
      'alpine',
      'docker.io/library/alpine:latest',
      id,
      id.slice(7),
      id.slice(7, 19),
      id.slice(0, 15),
    ]) {
      expect((await store.image(name))?.id).toBe(id);
    }
    expect(await store.image('alpine:3')).toBeNull();
    expect(await store.images()).toEqual([
      {
        ...{ id, config: config(layer.diffId), created: '2026-01-01T00:00:00Z', size: 1 },
        names: ['docker.io/library/alpine:latest', 'example.org/a/b:2'],
      },
    ]);
  });

  it('without their layers are refused', async () => {
    await expect(store.putImage(config(digestOf('none')), ['x'])).rejects.toThrow(
      /not in the store/,
    );
    expect(await store.images()).toEqual([]);
  });

  it('lose a name that another image gets', async () => {
    const [one, two] = [await add('1'), await add('2')];
    const first = await store.putImage(config(one.diffId), ['name']);
    await store.putImage(config(two.diffId), ['name']);
    expect((await store.image(first.id))?.names).toEqual([]);
    await store.tag(first.id, 'other');
    await store.untag('other');
    await expect(store.untag('other')).rejects.toThrow(/no image of that name/);
    await expect(store.tag(digestOf('x'), 'x')).rejects.toThrow(/no such image/);
  });

  it('keep all names that many processes give at once', async () => {
    const layer = await add('x');
    const { id } = await store.putImage(config(layer.diffId), ['first']);
    const program = fileURLToPath(new URL('tag.fixture.ts', import.meta.url));
    const children = [1, 2, 3, 4].map((i) =>
      spawn(process.execPath, [program, base, id, `n${i}`], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
    await Promise.all(children.map((child) => once(child, 'exit')));
    expect((await store.image(id))?.names).toHaveLength(1 + 4 * 15);
  });

  it('keep all names that one process gives at once', async () => {
    const layer = await add('x');
    const { id } = await store.putImage(config(layer.diffId), ['first']);
    const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(base)));
    await Promise.all(stores.flatMap((it, i) => [0, 1, 2, 3].map((j) => it.tag(id, `n${i}:${j}`))));
    expect((await store.image(id))?.names).toHaveLength(21);
  });
});

describe('documents', () => {
  it('are what their digest says', async () => {
    const bytes = Buffer.from('{"mediaType":"text/some"}');
    const { digest, ...rest } = await store.putBlob(Readable.from([bytes]));
    expect(rest).toEqual({ mediaType: 'text/some', size: bytes.length });
    expect((await store.readBlob(digest)).equals(bytes)).toBe(true);
    const expected = { mediaType: 'x', digest: digestOf('y'), size: bytes.length };
    await expect(store.putBlob(bytes, expected)).rejects.toThrow(/has the digest/);
    writeFileSync(at('blobs/sha256', digest.slice(7)), 'changed');
    await expect(store.readBlob(digest)).rejects.toThrow(/has the digest/);
  });

  it('know as which blobs a layer was met', async () => {
    const { diffId } = await add('x');
    const blob = { digest: digestOf('blob'), size: 4, mediaType: 'x', repository: 'r/a' };
    await store.rememberBlob(diffId, blob);
    await store.rememberBlob(diffId, { ...blob, repository: 'r/b' });
    await store.rememberBlob(diffId, blob);
    expect((await store.blobsOf(diffId)).map(({ repository }) => repository)).toEqual([
      'r/a',
      'r/b',
    ]);
  });
});

describe('garbage', () => {
  it('is what no image needs; what one needs stays', async () => {
    const bottom = await add('bottom');
    const [left, right] = [await add('l', bottom.chainId), await add('r', bottom.chainId)];
    await store.putImage(config(bottom.diffId, left.diffId), ['left']);
    const second = await store.putImage(config(bottom.diffId, right.diffId), ['right']);
    expect((await store.collectGarbage()).removed).toEqual([]);
    await store.untag('right');
    const { removed, bytes } = await store.collectGarbage();
    expect(removed).toEqual([second.id, right.chainId]);
    expect(bytes).toBeGreaterThan(0);
    expect(existsSync(right.diff)).toBe(false);
    expect(existsSync(right.link)).toBe(false);
    expect(readdirSync(at('overlay2/l')).sort()).toEqual(
      [bottom, left].map(({ link }) => basename(link)).sort(),
    );
    expect(await store.verify()).toEqual([]);
    await store.untag('left');
    await store.collectGarbage();
    expect(readdirSync(at('overlay2'))).toEqual(['l']);
    expect(readdirSync(at('image/layerdb/leases'))).toEqual([]);
  });

  it('is not what is kept on request: an image, or a layer with those below it', async () => {
    const bottom = await add('bottom');
    const top = await add('top', bottom.chainId);
    const { id } = await store.putImage(config(bottom.diffId, top.diffId), ['x']);
    await store.untag('x');
    expect((await store.collectGarbage({ keep: [id] })).removed).toEqual([]);
    expect((await store.collectGarbage({ keep: [top.chainId] })).removed).toEqual([id]);
    expect((await store.collectGarbage()).removed.sort()).toEqual(
      [bottom.chainId, top.chainId].sort(),
    );
  });

  it('is not what somebody has added and is at work with', async () => {
    const other = await openStore(base);
    const layer = await add('x', null, other);
    expect((await store.collectGarbage()).removed).toEqual([]);
    await other.putImage(config(layer.diffId), ['x']);
    await other.untag('x');
    expect((await store.collectGarbage()).removed).toContain(layer.chainId);
  });

  it('is not a layer that is just coming', async () => {
    const stream = new Readable({ read() {} });
    const other = await openStore(base);
    const adding = other.addLayer({ parent: null, stream });
    const bytes = tar({ name: 'f', content: Buffer.alloc(3000, 'x') });
    stream.push(bytes.subarray(0, 2000));
    await expect.poll(() => readdirSync(at('overlay2')).length).toBeGreaterThan(0);
    expect((await store.collectGarbage()).removed).toEqual([]);
    stream.push(bytes.subarray(2000));
    stream.push(null);
    expect((await adding).size).toBe(3000);
    expect(await store.verify()).toEqual([]);
  });

  it('is a manifest of an image that is no more, and what was known of its layers', async () => {
    const layer = await add('x');
    const image = await store.putImage(config(layer.diffId), ['x']);
    const descriptor = { mediaType: '', digest: image.id, size: 1 };
    const manifest = { schemaVersion: 2, config: descriptor, layers: [] };
    const other = await openStore(base);
    const { digest } = await store.putBlob(Buffer.from(JSON.stringify(manifest)));
    const blob = { digest: digestOf('blob'), size: 4, mediaType: 'x', repository: 'r/a' };
    await store.rememberBlob(layer.diffId, blob);
    expect((await other.collectGarbage()).removed).toEqual([]);
    await store.untag('x');
    await store.collectGarbage();
    expect(existsSync(at('blobs/sha256', digest.slice(7)))).toBe(false);
    expect(readdirSync(at('image/distribution/sha256'))).toEqual([]);
  });

  it('is not what became needed while it was looked for', async () => {
    const layer = await add('x');
    const image = await store.putImage(config(layer.diffId), ['x']);
    await store.untag('x');
    expect((await store.collectGarbage({ keep: [layer.chainId] })).removed).toEqual([image.id]);
    const paths = storePaths(base);
    const leases = createLeases(paths);
    const layers = createLayers(paths, leases);
    const images = createImages(paths, layers, leases);
    let needed = false;
    const late: Leases = {
      ...leases,
      // By now the layer has been found needless.
      async unlessHeld(name, remove) {
        if (name === layer.cacheId && !needed) {
          needed = true;
          await store.putImage(config(layer.diffId), ['again']);
        }
        return leases.unlessHeld(name, remove);
      },
    };
    await collectGarbage({ paths, leases: late, layers, images }, new Set());
    expect(needed).toBe(true);
    expect(await store.verify()).toEqual([]);
  });

  it('collected by several at once while layers come and go does no harm', async () => {
    const stores = await Promise.all([1, 2, 3, 4].map(() => openStore(base)));
    const work = stores.map(async (it, i) => {
      for (let round = 0; round < 6; round++) {
        const bottom = await add('shared', null, it);
        const top = await add(`${round % 3}`, bottom.chainId, it);
        const name = `n${i}:${round}`;
        await it.putImage(config(bottom.diffId, top.diffId), [name]);
        expect(readFileSync(join(top.diff, 'd/f'), 'utf8')).toBe(`${round % 3}`);
        if (round % 2) await it.untag(name);
        await it.collectGarbage();
      }
    });
    await Promise.all(work);
    await store.collectGarbage();
    expect(await store.verify()).toEqual([]);
    expect(await store.images()).toHaveLength(3);
    expect(readdirSync(at('overlay2'))).toHaveLength(5);
  });
});

describe('a process that is killed while it adds layers', () => {
  const program = fileURLToPath(new URL('store.fixture.ts', import.meta.url));

  it('leaves a store that works, and what it left is collected', async () => {
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, [program, base], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // It says so when it begins; how far it comes after that is chance.
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
      child.kill('SIGKILL');
      await once(child, 'exit');

      expect(await store.verify()).toEqual([]);
      const layer = await add(`after ${round}`);
      await store.putImage(config(layer.diffId), ['after']);
      await store.collectGarbage();
      const named = (await store.images()).flatMap((it) => chainIds(it.config.rootfs.diff_ids));
      expect(readdirSync(at('image/layerdb/sha256')).sort()).toEqual(
        [...new Set(named)].map((id) => id.slice(7)).sort(),
      );
      expect(readdirSync(at('overlay2'))).toHaveLength(1 + new Set(named).size);
      expect(readdirSync(at('overlay2/l'))).toHaveLength(new Set(named).size);
      expect(readdirSync(at('image/layerdb/tmp'))).toEqual([]);
      expect(readdirSync(at('image')).filter((name) => name.endsWith('.new'))).toEqual([]);
    }
  });
});
