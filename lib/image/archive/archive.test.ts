import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import type { Need } from '../../observe/needs.ts';
import { chainIds } from '../chain-id.ts';
import { openStore, type Store } from '../store.ts';
import {
  makeImage,
  makeLayer,
  makeTar,
  sha256,
  type TestImage,
  writeTestLayout,
} from '../transfer/image.fixture.ts';
import { load } from './load.ts';
import { type SaveOptions, save } from './save.ts';

const need: Need[] = ['root', 'tar'];
const platform = { os: 'linux', architecture: 'amd64' };

const base = makeLayer(makeTar({ 'etc/base': 'base\n' }));
const one = makeImage([base, makeLayer(makeTar({ one: 'one\n' }), 'zstd')]);
const two = makeImage([base, makeLayer(makeTar({ two: 'two\n' }), 'none')]);
const full = (name: string) => `docker.io/library/${name}`;

const scratch = mkdtempSync(join(tmpdir(), 'unboxed-archives-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let names = 0;
const fresh = () => join(scratch, String(names++));
const freshStore = () => openStore(fresh());

const layoutOf = (images: Record<string, TestImage>) => {
  const directory = fresh();
  writeTestLayout(directory, images);
  return directory;
};
const tarOf = (directory: string) => {
  const path = fresh();
  execFileSync('tar', ['-C', directory, '-cf', path, '.']);
  return path;
};
async function saveTar(store: Store, what: string[], options?: SaveOptions): Promise<string> {
  const path = fresh();
  const stream = createWriteStream(path);
  await save(store, what, stream, options);
  stream.end();
  await finished(stream);
  return path;
}
const filesOf = async (store: Store, image: TestImage) => {
  const layers = chainIds(image.layers.map(({ diffId }) => diffId));
  const trees = await Promise.all(layers.map((id) => store.layer(id)));
  return trees.flatMap((layer) =>
    readdirSync(layer?.diff ?? '', { recursive: true, encoding: 'utf8' }).toSorted(),
  );
};

describe('an OCI layout', () => {
  itNeeds(need, 'is loaded from a directory, with all its images and their names', async () => {
    const store = await freshStore();
    const loaded = await load(store, layoutOf({ one, two }), { platform });
    expect(loaded.map(({ image }) => image.id)).toEqual([one.id, two.id]);
    expect(loaded.map(({ fetched }) => fetched.length)).toEqual([2, 1]);
    expect(loaded[1]?.present).toEqual([base.diffId]);
    expect((await store.image(full('one:latest')))?.id).toBe(one.id);
    expect(await filesOf(store, one)).toEqual(['etc', 'etc/base', 'one']);
  });

  itNeeds(need, 'is loaded from a tar, plain or compressed, from a file or a stream', async () => {
    const tar = tarOf(layoutOf({ one }));
    const bytes = readFileSync(tar);
    const packed = [fresh(), fresh()] as const;
    writeFileSync(packed[0], gzipSync(bytes));
    writeFileSync(packed[1], zstdCompressSync(bytes));
    for (const input of [tar, ...packed, createReadStream(tar), createReadStream(packed[0])]) {
      const [loaded] = await load(await freshStore(), input, { platform });
      expect(loaded?.image.id).toBe(one.id);
    }
  });

  itNeeds(need, 'may have tags of a repository that the caller knows', async () => {
    const store = await freshStore();
    const repository = 'example.com/app';
    await load(store, layoutOf({ 'v1.0': one }), { platform, repository });
    expect((await store.image('example.com/app:v1.0'))?.id).toBe(one.id);
  });

  itNeeds(need, 'with an image for several platforms gives one', async () => {
    const directory = layoutOf({ one, two });
    const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
    for (const [at, architecture] of ['amd64', 'arm64'].entries()) {
      index.manifests[at].platform = { os: 'linux', architecture };
      index.manifests[at].annotations['org.opencontainers.image.ref.name'] = 'many';
    }
    writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
    const arm = { platform: { os: 'linux', architecture: 'arm64' } };
    const loaded = await load(await freshStore(), directory, arm);
    expect(loaded.map(({ image }) => image.id)).toEqual([two.id]);
  });
});

describe('what Docker of old has saved', () => {
  itNeeds(need, 'is loaded: a layer that is there already is a link to it', async () => {
    const directory = fresh();
    for (const name of ['a', 'b']) mkdirSync(join(directory, name), { recursive: true });
    const twice = makeImage([base, base]);
    writeFileSync(join(directory, 'a', 'layer.tar'), base.tar);
    symlinkSync('../a/layer.tar', join(directory, 'b', 'layer.tar'));
    writeFileSync(join(directory, 'c.json'), twice.config);
    const entry = { Config: 'c.json', RepoTags: ['old:1'], Layers: ['a/layer.tar', 'b/layer.tar'] };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify([entry]));
    const [loaded] = await load(await freshStore(), tarOf(directory), { platform });
    expect(loaded?.image).toMatchObject({ id: twice.id, names: [full('old:1')] });
  });
});

describe('of two entries with one name', () => {
  itNeeds(need, 'the last is meant, as when a tar is unpacked', async () => {
    const directory = layoutOf({ one });
    const tar = tarOf(directory);
    rmSync(join(directory, 'index.json'));
    writeFileSync(
      join(directory, 'other.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [] }),
    );
    symlinkSync('other.json', join(directory, 'index.json'));
    execFileSync('tar', ['-C', directory, '-rf', tar, './index.json', './other.json']);
    expect(await load(await freshStore(), tar, { platform })).toEqual([]);
  });
});

describe('what was saved', () => {
  const formats: SaveOptions[] = [
    { format: 'oci' },
    { format: 'oci', compression: 'zstd' },
    { format: 'oci', compression: 'none' },
    { format: 'docker' },
    { format: 'docker', compression: 'gzip' },
  ];
  for (const options of formats) {
    const called = Object.values(options).join(' ');
    itNeeds(need, `is loaded again as it was: ${called}`, async () => {
      const store = await freshStore();
      await load(store, layoutOf({ one, two }), { platform });
      const tar = await saveTar(store, ['one', 'two'], options);
      const again = await freshStore();
      const loaded = await load(again, tar, { platform });
      expect(loaded.map(({ image }) => image.id)).toEqual([one.id, two.id]);
      expect((await again.image(full('two:latest')))?.id).toBe(two.id);
      expect(await filesOf(again, two)).toEqual(['etc', 'etc/base', 'two']);
      const listed = execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }).trim().split('\n');
      expect(listed).toHaveLength(new Set(listed).size);
      // The same images give the same archive.
      expect(sha256(readFileSync(await saveTar(store, ['one', 'two'], options)))).toBe(
        sha256(readFileSync(tar)),
      );
    });
  }

  itNeeds(need, 'has in a directory every blob under its digest', async () => {
    const store = await freshStore();
    await load(store, layoutOf({ one, two }), { platform });
    const directory = fresh();
    await save(store, ['one', two.id], { directory }, { format: 'oci' });
    const blobs = join(directory, 'blobs', 'sha256');
    for (const name of readdirSync(blobs)) {
      const sum = execFileSync('sha256sum', [join(blobs, name)], { encoding: 'utf8' });
      expect(sum.slice(0, 64)).toBe(name);
    }
    // Two configurations, two manifests, three layers.
    expect(readdirSync(blobs)).toHaveLength(7);
    expect(readdirSync(directory).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout']);
    const { manifests } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
    expect(manifests.map((it: { annotations?: object }) => it.annotations)).toEqual([
      {
        'io.containerd.image.name': full('one:latest'),
        'org.opencontainers.image.ref.name': 'latest',
      },
      undefined,
    ]);
    const taken = save(store, ['one'], { directory });
    await expect(taken).rejects.toThrow(`${directory}: is there already; name a new one`);
  });

  itNeeds(need, 'has for Docker what old and new readers look for', async () => {
    const store = await freshStore();
    await load(store, layoutOf({ one }), { platform });
    const tar = await saveTar(store, ['one']);
    const read = (name: string) => execFileSync('tar', ['-xOf', tar, name], { encoding: 'utf8' });
    const chain = chainIds(one.layers.map(({ diffId }) => diffId)).map((id) => id.slice(7));
    expect(JSON.parse(read('manifest.json'))).toEqual([
      {
        Config: `${one.id.slice(7)}.json`,
        RepoTags: [full('one:latest')],
        Layers: chain.map((id) => `${id}/layer.tar`),
      },
    ]);
    expect(JSON.parse(read('repositories'))).toEqual({ [full('one')]: { latest: chain[1] } });
    expect(JSON.parse(read(`${chain[1]}/json`))).toMatchObject({ id: chain[1], parent: chain[0] });
    expect(read(`${chain[0]}/VERSION`)).toBe('1.0');
    expect(read(`${one.id.slice(7)}.json`)).toBe(one.config.toString());
  });

  itNeeds(need, 'is nothing where one of the images is not there', async () => {
    const store = await freshStore();
    const directory = fresh();
    const saving = save(store, ['nope'], { directory });
    await expect(saving).rejects.toThrow('nope: no such image in the store');
    expect(readdirSync(scratch)).not.toContain(directory.split('/').at(-1));
  });
});

/** Each spoils an archive, and is told in one line. */
describe('what if an archive', () => {
  const refused = async (input: string, why: RegExp) => {
    const store = await freshStore();
    const error = await load(store, input, { platform }).catch((it: Error) => it);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(why);
    expect(String(error).split('\n')).toHaveLength(1);
    expect(await store.images()).toEqual([]);
  };
  const blobPath = (directory: string, digest: string) =>
    join(directory, 'blobs', 'sha256', digest.slice(7));
  const layer = one.layers[1]?.descriptor.digest ?? '';

  itNeeds(need, 'is none', async () => {
    const directory = fresh();
    mkdirSync(directory);
    await refused(directory, /no archive of images; an OCI layout has/);
    await refused(tarOf(directory), /no archive of images; an OCI layout has/);
    const path = fresh();
    writeFileSync(path, 'x'.repeat(2000));
    await refused(path, /no archive: tar: .*this is no tar, or it is damaged/);
    await refused(fresh(), /ENOENT/);
  });

  itNeeds(need, 'lacks a blob', async () => {
    const directory = layoutOf({ one });
    rmSync(blobPath(directory, layer));
    await refused(directory, /missing from the archive/);
    await refused(tarOf(directory), /missing from the archive/);
  });

  itNeeds(need, 'has a blob of another size', async () => {
    const directory = layoutOf({ one });
    writeFileSync(blobPath(directory, layer), 'short');
    await refused(directory, /5 bytes long where \d+ were promised/);
  });

  itNeeds(need, 'has a blob of another content', async () => {
    const directory = layoutOf({ one });
    const blob = Buffer.from(one.layers[1]?.blob ?? '');
    blob[blob.length - 1] = (blob.at(-1) ?? 0) ^ 1;
    writeFileSync(blobPath(directory, layer), blob);
    await refused(directory, new RegExp(layer.slice(7, 20)));
    const config = Buffer.from(one.config);
    config[20] = 0x20;
    const other = layoutOf({ one });
    writeFileSync(blobPath(other, one.id), config);
    await refused(other, /its content has the digest/);
  });

  itNeeds(need, 'is cut off', async () => {
    const tar = tarOf(layoutOf({ one }));
    const path = fresh();
    const whole = readFileSync(tar);
    // Ten bytes into the content that follows this header.
    writeFileSync(path, whole.subarray(0, whole.indexOf('./index.json') + 512 + 10));
    await refused(path, /it ends in the middle of an entry/);
  });

  itNeeds(need, 'has names that lead out of it', async () => {
    const directory = layoutOf({ one });
    const tar = fresh();
    const rename = ['--transform', 's,^./index.json,../../index.json,'];
    execFileSync('tar', ['-P', '-C', directory, '-cf', tar, ...rename, '.']);
    await refused(tar, /"..\/..\/index.json" leads out of it; no honest program/);
  });

  itNeeds(need, 'has a link where a blob should be', async () => {
    const directory = layoutOf({ one });
    rmSync(blobPath(directory, layer));
    symlinkSync('/etc/passwd', blobPath(directory, layer));
    await refused(directory, /not a plain file/);
    await refused(tarOf(directory), /"\/etc\/passwd" leads out of it/);
  });

  itNeeds(need, 'is Docker’s and names files elsewhere', async () => {
    const directory = fresh();
    mkdirSync(directory);
    const manifest = (entry: object) => {
      writeFileSync(join(directory, 'manifest.json'), JSON.stringify([entry]));
      return directory;
    };
    await refused(manifest({ Config: '../../etc/passwd' }), /leads out of it/);
    await refused(manifest({ Config: '/etc/passwd' }), /leads out of it/);
    await refused(manifest({ Config: 'nope.json' }), /"nope.json" is missing/);
    await refused(manifest({}), /\[0\]: it names no Config/);
    const hex = 'f'.repeat(64);
    writeFileSync(join(directory, `${hex}.json`), one.config);
    await refused(manifest({ Config: `${hex}.json` }), /has the digest sha256:/);
    writeFileSync(join(directory, 'c.json'), one.config);
    const layers = { Config: 'c.json', Layers: ['a.tar', '../b.tar'] };
    await refused(manifest(layers), /"a.tar" is missing/);
    writeFileSync(join(directory, 'a.tar'), base.tar);
    await refused(manifest(layers), /leads out of it/);
    const few = { Config: 'c.json', Layers: ['a.tar'] };
    await refused(manifest(few), /it has 1 layers, and 2 in its configuration/);
  });

  itNeeds(need, 'is Docker’s and its layer is not that of the configuration', async () => {
    const directory = fresh();
    mkdirSync(directory);
    writeFileSync(join(directory, 'c.json'), one.config);
    writeFileSync(join(directory, 'a.tar'), base.tar);
    const entry = { Config: 'c.json', RepoTags: ['x'], Layers: ['a.tar', 'a.tar'] };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify([entry]));
    await refused(directory, /./);
  });

  itNeeds(need, 'is of a version that is not known', async () => {
    const directory = layoutOf({ one });
    writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    await refused(directory, /a layout of version "2.0.0"; only 1.0.0 is known here/);
  });

  itNeeds(need, 'is from before there were manifests', async () => {
    const directory = fresh();
    mkdirSync(directory);
    writeFileSync(join(directory, 'repositories'), '{}');
    await refused(directory, /it has repositories alone: from before Docker 1.10; load it with/);
  });

  itNeeds(need, 'has a document without end', async () => {
    const directory = layoutOf({ one });
    truncateSync(join(directory, 'index.json'), 5_000_000);
    await refused(directory, /index.json has 5000000 bytes, more than 4194304/);
    const large = layoutOf({ one });
    const manifest = JSON.parse(one.manifest.toString());
    manifest.config.size = 9_000_000;
    const bytes = JSON.stringify(manifest);
    writeFileSync(blobPath(large, sha256(bytes)), bytes);
    const { mediaType } = manifest;
    const entry = { mediaType, digest: sha256(bytes), size: bytes.length };
    const index = { schemaVersion: 2, manifests: [entry] };
    writeFileSync(join(large, 'index.json'), JSON.stringify(index));
    await refused(large, /9000000 bytes, more than the 8388608 of such a document/);
  });

  itNeeds(need, 'is written with holes', async () => {
    const directory = layoutOf({ one });
    writeFileSync(join(directory, 'hole'), '');
    truncateSync(join(directory, 'hole'), 1_000_000);
    const tar = fresh();
    execFileSync('tar', ['-S', '-C', directory, '-cf', tar, '.']);
    await refused(tar, /"\.\/hole" is written with holes/);
  });

  itNeeds(need, 'calls an image what no image can be called', async () => {
    await refused(layoutOf({ 'Not A Name': one }), /an image is called "Not A Name": no image ref/);
  });
});
