/** What other programs write is read here, and they read what is written here. */
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { afterAll, describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { openStore } from '../store.ts';
import { makeImage, makeLayer, makeTar, writeTestLayout } from '../transfer/image.fixture.ts';
import { load } from './load.ts';
import { type SaveOptions, save } from './save.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const image = makeImage([
  makeLayer(makeTar({ 'etc/base': 'base\n' })),
  makeLayer(makeTar({ top: 'top\n' })),
]);
const name = 'docker.io/test/image:v1';

const scratch = mkdtempSync(join(tmpdir(), 'unboxed-interop-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(scratch, String(count++));

const run = async (command: string, ...argv: string[]) =>
  (await execa(command, argv, { cwd: scratch })).stdout;
const skopeo = (...argv: string[]) => run('skopeo', '--insecure-policy', ...argv);

/** Options of podman and buildah for a store of their own. */
const storage = (root: string) => [
  ...['--root', join(root, 'root'), '--runroot', join(root, 'run')],
  ...['--storage-driver', 'vfs'],
];

const layout = fresh();
writeTestLayout(layout, { 'test/image:v1': image });

async function filledStore() {
  const store = await openStore(fresh());
  await load(store, layout, { platform });
  return store;
}
async function savedTar(options: SaveOptions) {
  const path = fresh();
  const stream = createWriteStream(path);
  await save(await filledStore(), [name], stream, options);
  stream.end();
  await finished(stream);
  return path;
}
const idOf = async (transport: string) => {
  const raw = await skopeo('inspect', '--config', '--raw', transport);
  return JSON.parse(raw);
};
const config = JSON.parse(image.config.toString());

describe('skopeo', () => {
  itNeeds(['root', 'command:skopeo'], 'reads a layout, as directory and tar', async () => {
    const directory = fresh();
    await save(await filledStore(), [name], { directory }, { format: 'oci' });
    expect(await idOf(`oci:${directory}:v1`)).toEqual(config);
    // It checks every digest on the way.
    await skopeo('copy', `oci:${directory}:v1`, `dir:${fresh()}`);
    const tar = await savedTar({ format: 'oci', compression: 'zstd' });
    await skopeo('copy', `oci-archive:${tar}:v1`, `dir:${fresh()}`);
  });

  itNeeds(['root', 'command:skopeo'], 'reads a Docker archive', async () => {
    const tar = await savedTar({ format: 'docker' });
    expect(await idOf(`docker-archive:${tar}:${name}`)).toEqual(config);
    await skopeo('copy', `docker-archive:${tar}`, `dir:${fresh()}`);
  });

  itNeeds(['root', 'command:skopeo'], 'writes archives that are read here', async () => {
    const store = await openStore(fresh());
    const [oci, docker] = [fresh(), fresh()];
    await skopeo('copy', `oci:${layout}:test/image:v1`, `oci-archive:${oci}:test/skopeo:v1`);
    await skopeo('copy', `oci:${layout}:test/image:v1`, `docker-archive:${docker}:test/skopeo:v2`);
    const [first] = await load(store, oci, { platform });
    expect(first?.image.id).toBe(image.id);
    expect((await store.image('docker.io/test/skopeo:v1'))?.id).toBe(image.id);
    const [second] = await load(store, docker, { platform });
    expect(second?.image.config.rootfs).toEqual(config.rootfs);
    expect(second?.fetched).toEqual([]);
    expect(await store.image('docker.io/test/skopeo:v2')).not.toBeNull();
  });
});

const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;

describe.each(COMPRESSIONS)('layers with compression %s', (compression) => {
  const suffix = { none: 'tar', gzip: 'tar+gzip', zstd: 'tar+zstd' }[compression];

  itNeeds(
    ['root', 'command:skopeo'],
    'are read by skopeo, from a directory and a tar',
    async () => {
      const directory = fresh();
      await save(await filledStore(), [name], { directory }, { format: 'oci', compression });
      const tar = await savedTar({ format: 'oci', compression });
      for (const from of [`oci:${directory}:v1`, `oci-archive:${tar}:v1`]) {
        const raw = JSON.parse(await skopeo('inspect', '--raw', from));
        const types = raw.layers.map(({ mediaType }: { mediaType: string }) => mediaType);
        expect(new Set(types)).toEqual(new Set([`application/vnd.oci.image.layer.v1.${suffix}`]));
        // It checks every digest on the way.
        await skopeo('copy', from, `dir:${fresh()}`);
      }
    },
  );

  for (const tool of ['podman', 'buildah'] as const) {
    itNeeds(['root', `command:${tool}`], `are unpacked by ${tool}`, async () => {
      const tar = await savedTar({ format: 'oci', compression });
      const place = storage(fresh());
      await run(tool, ...place, 'pull', `oci-archive:${tar}`);
      const listed = await run(tool, ...place, 'images', '--no-trunc', '--format', '{{.ID}}');
      expect(listed.trim()).toContain(image.id.slice(7));
    });
  }

  if (compression !== 'none')
    itNeeds(['root', 'command:skopeo'], 'are read here where skopeo has made them', async () => {
      const [directory, tar] = [fresh(), fresh()];
      const packed = ['--dest-compress', `--dest-compress-format=${compression}`];
      for (const to of [`oci:${directory}:v1`, `oci-archive:${tar}:v1`]) {
        await skopeo('copy', ...packed, `dir:${await plainCopy()}`, to);
      }
      for (const path of [directory, tar]) {
        const store = await openStore(fresh());
        const [loaded] = await load(store, path, { platform });
        expect(loaded?.image.config.rootfs).toEqual(config.rootfs);
        expect(loaded?.fetched).toHaveLength(2);
      }
    });
});

/** With layers that are not compressed, so that skopeo has something to do. */
async function plainCopy(): Promise<string> {
  const [directory, copied] = [fresh(), fresh()];
  await save(await filledStore(), [name], { directory }, { format: 'oci', compression: 'none' });
  await skopeo('copy', `oci:${directory}:v1`, `dir:${copied}`);
  return copied;
}

describe('umoci', () => {
  itNeeds(['root', 'command:umoci'], 'unpacks a layout', async () => {
    const [directory, bundle] = [fresh(), fresh()];
    await save(await filledStore(), [name], { directory }, { format: 'oci' });
    await run('umoci', 'unpack', '--image', `${directory}:v1`, bundle);
    expect(readFileSync(join(bundle, 'rootfs', 'etc', 'base'), 'utf8')).toBe('base\n');
    expect(existsSync(join(bundle, 'rootfs', 'top'))).toBe(true);
  });

  itNeeds(['root', 'command:umoci'], 'makes layers that are read here', async () => {
    const [directory, bundle] = [fresh(), fresh()];
    await save(await filledStore(), [name], { directory }, { format: 'oci' });
    await run('umoci', 'unpack', '--image', `${directory}:v1`, bundle);
    rmSync(join(bundle, 'rootfs', 'etc'), { recursive: true });
    await run('umoci', 'repack', '--image', `${directory}:v2`, bundle);
    const store = await openStore(fresh());
    const repository = 'example.com/app';
    const loaded = await load(store, directory, { platform, repository });
    expect(loaded.map(({ image: { config: it } }) => it.rootfs.diff_ids.length)).toEqual([2, 3]);
    expect(loaded[1]?.fetched).toHaveLength(1);
    expect(await store.image('example.com/app:v2')).not.toBeNull();
  });
});

describe.each(['podman', 'buildah'] as const)('%s', (tool) => {
  for (const format of ['docker', 'oci'] as const) {
    itNeeds(['root', `command:${tool}`], `loads what was saved: ${format}`, async () => {
      const tar = await savedTar({ format });
      const place = storage(fresh());
      if (tool === 'podman') await run(tool, ...place, 'load', '-i', tar);
      else await run(tool, ...place, 'pull', `${format}-archive:${tar}`);
      const listed = await run(tool, ...place, 'images', '--no-trunc', '--format', '{{.ID}}');
      expect(listed.trim()).toContain(image.id.slice(7));
      const repository = tool === 'podman' ? 'Repository' : 'Name';
      const called = `{{.${repository}}}:{{.Tag}}`;
      const names = await run(tool, ...place, 'images', '--format', called);
      expect(names.trim()).toBe(name);
    });
  }

  itNeeds(['root', `command:${tool}`], 'saves what is loaded here', async () => {
    const tar = await savedTar({ format: 'docker' });
    const place = storage(fresh());
    await run(tool, ...place, 'pull', `docker-archive:${tar}`);
    const store = await openStore(fresh());
    for (const format of ['docker-archive', 'oci-archive'] as const) {
      const out = fresh();
      if (tool === 'podman') await run(tool, ...place, 'save', '--format', format, '-o', out, name);
      else await run(tool, ...place, 'push', image.id.slice(7), `${format}:${out}:${name}`);
      const [loaded] = await load(store, out, { platform });
      expect(loaded?.image.config.rootfs).toEqual(config.rootfs);
      expect((await store.image(name))?.id).toBe(loaded?.image.id);
    }
  });
});
