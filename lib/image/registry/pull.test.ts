import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { type Need, needs } from '../../observe/needs.ts';
import { load } from '../archive/load.ts';
import { chainIds } from '../chain-id.ts';
import type { Digest } from '../spec.ts';
import { openStore, type Store } from '../store.ts';
import {
  makeImage,
  makeLayer,
  makeTar,
  sha256,
  writeTestLayout,
} from '../transfer/image.fixture.ts';
import type { LayerProgress } from '../transfer/progress.ts';
import { type Mischief, startProxy } from './proxy.fixture.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { startRegistry, type TestRegistry } from './registry.fixture.ts';
import { openRepository } from './repository.ts';
import { uploadBlob } from './upload.ts';

const need: Need[] = ['root', 'tar', 'command:docker-registry', 'command:skopeo'];
const patience = { firstWait: 1 };
const options = { patience, platform: { os: 'linux', architecture: 'amd64' } };

const base = makeLayer(makeTar({ 'etc/base': 'base\n', 'big/base': randomBytes(700_000) }));
const middle = makeLayer(makeTar({ 'etc/middle': 'middle\n', 'big/middle': randomBytes(700_000) }));
const image = makeImage([base, middle, makeLayer(makeTar({ top: 'top\n' }))]);
const other = makeImage([base, makeLayer(makeTar({ other: 'other\n' }), 'zstd')]);
const chain = chainIds(image.layers.map(({ diffId }) => diffId));

describe('an image in a registry', () => {
  let registry: TestRegistry;
  const scratch = mkdtempSync(join(tmpdir(), 'unboxed-pull-'));
  let stores = 0;
  const freshStore = () => openStore(join(scratch, `store-${stores++}`));
  const skopeo = (...argv: string[]) =>
    execFileSync('skopeo', ['--insecure-policy', ...argv], { stdio: 'pipe' }).toString();

  beforeAll(async () => {
    if (!needs(...need).met) return;
    registry = await startRegistry();
    const layout = join(scratch, 'layout');
    writeTestLayout(layout, { image, other });
    for (const name of ['image', 'other']) {
      const to = `docker://${registry.host}/test/${name}:v1`;
      skopeo('copy', '--dest-tls-verify=false', `oci:${layout}:${name}`, to);
    }
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const contents = async (store: Store) => {
    const layers = await Promise.all(chain.map((id) => store.layer(id)));
    const files = ['etc/base', 'etc/middle', 'top'];
    return layers.map((layer, at) =>
      readFileSync(join(layer?.diff ?? '', files[at] ?? ''), 'utf8'),
    );
  };
  const through = async (mischief: Mischief, name = 'test/image:v1') => {
    await using proxy = await startProxy(registry.host, mischief);
    const store = await freshStore();
    const states: LayerProgress[] = [];
    const onProgress = (it: LayerProgress) => states.push(it);
    const result = await pull(store, `${proxy.host}/${name}`, { ...options, onProgress }).catch(
      (error: Error) => error,
    );
    return { store, result, states, seen: proxy.seen };
  };

  itNeeds(need, 'is pulled: its layers unpacked, its configuration byte for byte', async () => {
    const store = await freshStore();
    const name = `${registry.host}/test/image:v1`;
    const pulled = await pull(store, name, options);
    expect(pulled).toMatchObject({ digest: image.descriptor.digest, present: [] });
    expect(pulled.fetched).toEqual(image.layers.map(({ descriptor }) => descriptor.digest));
    expect(pulled.image.id).toBe(image.id);
    expect((await store.imageConfig(image.id)).equals(image.config)).toBe(true);
    expect(await contents(store)).toEqual(['base\n', 'middle\n', 'top\n']);
    expect((await store.image(name))?.id).toBe(image.id);
    const byDigest = `${registry.host}/test/image@${image.descriptor.digest}`;
    expect((await store.image(byDigest))?.id).toBe(image.id);
  });

  itNeeds(need, 'is pulled by its digest too', async () => {
    const store = await freshStore();
    const name = `${registry.host}/test/image@${image.descriptor.digest}`;
    expect((await pull(store, name, options)).image.id).toBe(image.id);
  });

  itNeeds(need, 'shares with what is there: only missing layers travel', async () => {
    const store = await freshStore();
    await using proxy = await startProxy(registry.host, {});
    const first = await pull(store, `${proxy.host}/test/image:v1`, options);
    expect(first.fetched).toHaveLength(3);
    const states: LayerProgress[] = [];
    const onProgress = (it: LayerProgress) => states.push(it);
    const before = proxy.seen.length;
    const second = await pull(store, `${proxy.host}/test/other:v1`, { ...options, onProgress });
    expect(second.present).toEqual([base.diffId]);
    expect(second.fetched).toEqual([other.layers[1]?.descriptor.digest]);
    expect(states[0]).toMatchObject({ layer: 0, state: 'present' });
    const asked = proxy.seen.slice(before).map(({ path }) => path);
    expect(asked.some((path) => path.endsWith(base.descriptor.digest))).toBe(false);
    expect((await pull(store, `${proxy.host}/test/image:v1`, options)).fetched).toEqual([]);
  });

  itNeeds(need, 'tells of each layer how far it is, to its end', async () => {
    const { states } = await through({});
    for (const [layer, { descriptor }] of image.layers.entries()) {
      const own = states.filter((it) => it.layer === layer);
      expect(own[0]).toMatchObject({ state: 'waiting', bytes: 0, size: descriptor.size });
      const bytes = own.map((it) => it.bytes);
      expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      expect(own.map(({ state }) => state)).toContain('unpacking');
      expect(own.at(-1)).toMatchObject({ state: 'done', bytes: descriptor.size });
    }
  });

  itNeeds(need, 'comes several layers at once', async () => {
    let release: (() => void) | null = null;
    const blobs: string[] = [];
    const { result } = await through({
      answer: ({ path }, times, response) => {
        const digest = /blobs\/(.*)/.exec(path)?.[1];
        if (digest === undefined || digest === image.id) return false;
        blobs.push(digest);
        if (digest === image.layers[2]?.descriptor.digest) release?.();
        if (digest !== base.descriptor.digest || times > 1) return false;
        // The bottom layer is kept back until the top one is asked for.
        release = () => void response.end(base.blob);
        return true;
      },
    });
    expect(result).not.toBeInstanceOf(Error);
    expect(blobs).toHaveLength(3);
  });

  itNeeds(need, 'stops coming when that is asked for', async () => {
    const store = await freshStore();
    const abort = new AbortController();
    await using proxy = await startProxy(registry.host, {
      answer: ({ path }) => {
        if (!path.endsWith(middle.descriptor.digest)) return false;
        abort.abort(new Error('enough'));
        return true;
      },
    });
    const name = `${proxy.host}/test/image:v1`;
    await expect(pull(store, name, { ...options, signal: abort.signal })).rejects.toThrow('enough');
    expect(await store.images()).toEqual([]);
  });

  itNeeds(need, 'comes over a line that breaks', async () => {
    const blobs = new Map<string, number>();
    const { store, result, states, seen } = await through({
      cutAfter: ({ path }) => {
        const digest = /blobs\/(.*)/.exec(path)?.[1] ?? '';
        if (digest !== base.descriptor.digest && digest !== middle.descriptor.digest) return null;
        const times = (blobs.get(digest) ?? 0) + 1;
        blobs.set(digest, times);
        return times < 3 ? 250_000 : null;
      },
    });
    expect(result).not.toBeInstanceOf(Error);
    expect(await contents(store)).toEqual(['base\n', 'middle\n', 'top\n']);
    const ranges = seen.map(({ range }) => range).filter((range) => range !== null);
    expect(ranges.toSorted()).toEqual([
      'bytes=250000-',
      'bytes=250000-',
      'bytes=500000-',
      'bytes=500000-',
    ]);
    expect(states.filter(({ state }) => state === 'retrying')).toHaveLength(4);
  });

  itNeeds(need, 'is refused when a byte of a layer is another', async () => {
    const wrong = Buffer.from(middle.blob);
    wrong[300_000] = (wrong[300_000] ?? 0) ^ 1;
    const { store, result } = await through({
      answer: ({ path }, _, response) => {
        if (!path.endsWith(middle.descriptor.digest)) return false;
        response.writeHead(200, { 'content-length': wrong.length }).end(wrong);
        return true;
      },
    });
    expect(result).toBeInstanceOf(Error);
    expect(String(result).split('\n')).toHaveLength(1);
    expect(await store.images()).toEqual([]);
    expect(await store.layer(chain[1] as Digest)).toBeNull();
  });

  itNeeds(need, 'is refused when its configuration is of other layers', async () => {
    const store = await freshStore();
    const repository = openRepository({ registry: registry.host, repository: 'odd' }, 'pull,push');
    const { id } = await sendImage(repository, { ...image, layers: image.layers.slice(1) });
    expect(id).toBe(image.id);
    await expect(pull(store, `${registry.host}/odd:v1`, options)).rejects.toThrow(
      'it has 2 layers, and 3 in its configuration',
    );
  });

  /** With the image's configuration and those of its layers that are named. */
  async function sendImage(repository: ReturnType<typeof openRepository>, sent: typeof image) {
    const manifest = {
      ...JSON.parse(image.manifest.toString()),
      layers: sent.layers.map(({ descriptor }) => descriptor),
    };
    for (const { blob } of sent.layers) await uploadBlob(repository, () => blob);
    await uploadBlob(repository, () => sent.config);
    await fetch(`${registry.url}/v2/odd/manifests/v1`, {
      method: 'PUT',
      headers: { 'content-type': manifest.mediaType },
      body: JSON.stringify(manifest),
    });
    return sent;
  }

  itNeeds(need, 'for several platforms is pulled for one', async () => {
    const arm = makeImage([base], { architecture: 'arm', variant: 'v7' });
    const layout = join(scratch, 'arm');
    writeTestLayout(layout, { arm });
    const to = `docker://${registry.host}/test/image:arm`;
    skopeo('copy', '--dest-tls-verify=false', `oci:${layout}:arm`, to);
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const manifests = [
      { ...image.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
      { ...arm.descriptor, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
    ];
    const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
    const put = { method: 'PUT', headers: { 'content-type': mediaType }, body: index };
    expect((await fetch(`${registry.url}/v2/test/image/manifests/many`, put)).status).toBe(201);
    const store = await freshStore();
    const name = `${registry.host}/test/image:many`;
    const pulled = await pull(store, name, options);
    expect(pulled).toMatchObject({ digest: sha256(index), manifest: image.descriptor.digest });
    expect((await store.readBlob(sha256(index))).toString()).toBe(index);
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const forArm = await pull(store, name, { patience, platform });
    expect(forArm.image.id).toBe(arm.id);
    const none = pull(store, name, { patience, platform: { ...platform, architecture: 'mips' } });
    await expect(none).rejects.toThrow('there is linux/amd64, linux/arm/v7');
  });

  itNeeds(need, 'that is not there is an error with its name and tag', async () => {
    const store = await freshStore();
    const name = `${registry.host}/test/image:nope`;
    const error = await pull(store, name, options).catch((it: Error) => it);
    expect(error).toMatchObject({ name: 'RegistryError', kind: 'not-found', status: 404 });
    expect(String(error)).toContain(`${name}: not found (MANIFEST_UNKNOWN: manifest unknown);`);
  });

  itNeeds(need, 'goes back under the same digest, and nothing is sent', async () => {
    const store = await freshStore();
    await using proxy = await startProxy(registry.host, {});
    await pull(store, `${proxy.host}/test/image:v1`, options);
    const pushed = await push(store, `${proxy.host}/test/image:v1`, options);
    const digests = image.layers.map(({ descriptor }) => descriptor.digest);
    const { digest } = image.descriptor;
    expect(pushed).toEqual({ digest, sent: [], mounted: [], present: digests });
    expect(proxy.seen.filter(({ method }) => method === 'POST')).toEqual([]);
    const to = { ...options, image: `${proxy.host}/test/image:v1` };
    const moved = await push(store, `${proxy.host}/elsewhere/image:v2`, to);
    expect(moved).toEqual({ digest, sent: [], mounted: digests, present: [] });
    const found = skopeo(
      'inspect',
      '--tls-verify=false',
      `docker://${registry.host}/elsewhere/image:v2`,
    );
    expect(JSON.parse(found)).toMatchObject({ Digest: digest, Layers: digests });
  });

  itNeeds(
    need,
    'does not go under the manifest of another that its name was taken from',
    async () => {
      const store = await freshStore();
      await pull(store, `${registry.host}/test/image:v1`, options);
      // The same layers: only its configuration is another.
      const twin = makeImage(image.layers, { variant: 'v1' });
      const layout = join(scratch, 'twin');
      writeTestLayout(layout, { twin });
      await load(store, layout, options);
      await store.tag(twin.id, `${registry.host}/test/image@${image.descriptor.digest}`);
      const to = `${registry.host}/test/moved:v1`;
      await push(store, to, { ...options, image: twin.id });
      expect((await pull(store, to, options)).image.id).toBe(twin.id);
    },
  );

  itNeeds(need, 'goes to another registry: its layers packed again, once', async () => {
    const store = await freshStore();
    const name = `${registry.host}/test/image:v1`;
    await pull(store, name, options);
    await using second = await startRegistry();
    await using proxy = await startProxy(second.host, {});
    const to = `${proxy.host}/copy/image:v1`;
    const states: LayerProgress[] = [];
    const onProgress = (it: LayerProgress) => states.push(it);
    const pushed = await push(store, to, { ...options, image: name, onProgress });
    expect(pushed.sent).toHaveLength(3);
    expect(states.filter(({ state }) => state === 'done')).toHaveLength(3);
    // What is known of another registry is not asked of this one.
    expect(proxy.seen.filter(({ path }) => path.includes('mount='))).toEqual([]);
    expect(await push(store, to, { ...options, image: name })).toMatchObject({
      digest: pushed.digest,
      sent: [],
    });
    // Not through the proxy, which is in this process and would wait for skopeo's end.
    const target = join(scratch, 'skopeo-copy');
    skopeo(
      'copy',
      '--src-tls-verify=false',
      `docker://${second.host}/copy/image:v1`,
      `dir:${target}`,
    );
    const again = await freshStore();
    expect((await pull(again, to, options)).image.id).toBe(image.id);
    expect(await contents(again)).toEqual(['base\n', 'middle\n', 'top\n']);
    expect(existsSync(join(target, image.id.slice(7)))).toBe(true);
  });

  itNeeds(need, 'that has a layer twice sends it once', async () => {
    const twice = makeImage([base, base]);
    const layout = join(scratch, 'twice');
    writeTestLayout(layout, { twice });
    const store = await freshStore();
    await load(store, layout, options);
    await using second = await startRegistry();
    await using proxy = await startProxy(second.host, {});
    const pushed = await push(store, `${proxy.host}/twice:v1`, { ...options, image: 'twice' });
    expect(pushed.sent).toHaveLength(1);
    // A layer and the configuration.
    expect(proxy.seen.filter(({ method }) => method === 'PATCH')).toHaveLength(2);
  });

  itNeeds(
    need,
    'one of whose layers fails early fails with that, when its turn comes',
    async () => {
      let release = (): void => undefined;
      const { result } = await through({
        answer: ({ path }, _, response) => {
          if (path.endsWith(base.descriptor.digest)) {
            release = () => void response.end(base.blob);
            return true;
          }
          if (!path.endsWith(middle.descriptor.digest)) return false;
          response.writeHead(404).end();
          // So that it has failed when the layer below is there.
          setTimeout(() => release(), 100);
          return true;
        },
      });
      expect(result).toMatchObject({ name: 'RegistryError', kind: 'not-found' });
    },
  );

  itNeeds(
    need,
    'that was committed on top goes there and comes from there by its own layer',
    async () => {
      const [here, there] = [await freshStore(), await freshStore()];
      const name = `${registry.host}/test/image:v1`;
      await pull(here, name, options);
      await pull(there, name, options);
      const upper = join(scratch, 'upper');
      mkdirSync(upper);
      writeFileSync(join(upper, 'hello.txt'), 'hello\n');
      const layer = await here.commitLayer(chain[2] as Digest, upper);
      const config = JSON.parse(image.config.toString());
      config.rootfs.diff_ids.push(layer.diffId);
      const committed = `${registry.host}/test/committed:v1`;
      await here.putImage(config, [committed]);
      const pushed = await push(here, committed, options);
      expect([pushed.sent.length, pushed.mounted.length]).toEqual([1, 3]);
      const pulled = await pull(there, committed, options);
      expect(pulled.fetched).toEqual(pushed.sent);
      const diff = (await there.layer(layer.chainId))?.diff ?? '';
      expect(readFileSync(join(diff, 'hello.txt'), 'utf8')).toBe('hello\n');
      expect(await here.verify()).toEqual([]);
      expect(await there.verify()).toEqual([]);
    },
  );

  itNeeds(need, 'is pushed as zstd, and in Docker’s format, where that is asked for', async () => {
    const store = await freshStore();
    const name = `${registry.host}/test/image:v1`;
    await pull(store, name, options);
    const zstd = { ...options, image: name, compression: 'zstd' as const };
    await push(store, `${registry.host}/test/zstd:v1`, zstd);
    const raw = (path: string) =>
      JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${path}`));
    const types = raw(`${registry.host}/test/zstd:v1`).layers.map(
      ({ mediaType }: { mediaType: string }) => mediaType,
    );
    expect(new Set(types)).toEqual(new Set(['application/vnd.oci.image.layer.v1.tar+zstd']));
    const again = await freshStore();
    await pull(again, `${registry.host}/test/zstd:v1`, options);
    expect(await contents(again)).toEqual(['base\n', 'middle\n', 'top\n']);
    const docker = { ...options, image: name, format: 'docker' as const };
    await push(store, `${registry.host}/test/docker:v1`, docker);
    await pull(store, `${registry.host}/test/other:v1`, options);
    const packed = { ...docker, image: `${registry.host}/test/other:v1` };
    await push(store, `${registry.host}/test/docker-zstd:v1`, packed);
    const { layers } = raw(`${registry.host}/test/docker-zstd:v1`);
    expect(layers[1].mediaType).toBe('application/vnd.docker.image.rootfs.diff.tar.gzip');
    expect(layers[1].digest).not.toBe(other.layers[1]?.descriptor.digest);
    expect(raw(`${registry.host}/test/docker:v1`)).toMatchObject({
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { mediaType: 'application/vnd.docker.container.image.v1+json' },
    });
    const neither = push(store, `${registry.host}/test/x:v1`, { ...zstd, format: 'docker' });
    await expect(neither).rejects.toThrow('Docker’s manifest format has no such layers');
  });
});
