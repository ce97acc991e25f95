import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect } from 'vitest';
import { executeInContainer } from '../container/build-step.ts';
import { removeTree } from '../host/remove-tree.ts';
import { withHost } from '../host/with-host.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { overlayAction } from '../overlay/mount.ts';
import { plainOptions, usableForm } from '../overlay/plan.ts';
import { save } from './archive/save.ts';
import { makeBaseImage } from './base/base.ts';
import { buildImage } from './build/build.ts';
import { chainIds } from './chain-id.ts';
import { commitContainer } from './commit.ts';
import { diffOf } from './diff.ts';
import { historyOf } from './history.ts';
import { INIT_ENTRIES, makeInitLayer } from './init-layer.ts';
import type { Digest } from './spec.ts';
import { type ImageRecord, openStore, type Store } from './store.ts';
import { findUser } from './user.ts';

let top: string;
let state: string;
let store: Store;
let base: ImageRecord;

beforeAll(async () => {
  // Not below /tmp, which may be an overlay or a tmpfs: an upper cannot lie on the former.
  top = mkdtempSync('/var/tmp/unboxed-commit-');
  state = join(top, 'state');
  store = await openStore(join(top, 'images'));
  if (process.geteuid?.() === 0) base = await makeBaseImage(store, { state });
});
afterAll(() => removeTree(top));

interface Changed {
  upper: string;
  init: string;
  image: string[];
}

/** Runs a command over the base image, as a container has it, and looks at it before it is gone. */
function inContainer<T>(command: string, look: (changed: Changed) => Promise<T>): Promise<T> {
  return withHost('commit-test', state, async (host) => {
    const at = (name: string) => join(host.directory, name);
    for (const name of ['upper', 'work', 'merged', 'init']) mkdirSync(at(name));
    const image = await store.lowerdirs(chainIds(base.config.rootfs.diff_ids).at(-1) as Digest);
    const run = 'commit-test-init';
    const init = await makeInitLayer({ lowers: image, directory: at('init'), run, state });
    const [upper, target] = [at('upper'), at('merged')];
    const lowers = [init, ...image];
    const options = plainOptions(usableForm());
    await host.do(overlayAction({ lowers, upper, work: at('work'), target, options }));
    const exit = await executeInContainer({
      ...{ host, root: target, cwd: '/', network: 'none', onOutput: () => undefined },
      argv: ['/bin/sh', '-c', command],
      env: { PATH: '/bin' },
      user: findUser(target, ''),
    });
    expect(exit).toEqual({ code: 0 });
    return look({ upper, init, image });
  });
}

const NEEDS = ['root', 'overlay', 'command:find'] as const;
const findIn = async (cwd: string) =>
  (await execa('find', ['.', '-mindepth', '1', '-printf', '%P\n'], { cwd })).stdout.split('\n');

itNeeds([...NEEDS], 'diff tells what was added, changed and deleted, in a file’s own upper', () =>
  inContainer('echo hi > /hello.txt; echo x >> /etc/group; rm /etc/passwd', async (changed) => {
    expect(diffOf(changed).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'C /etc',
      'C /etc/group',
      'D /etc/passwd',
      'A /hello.txt',
    ]);
    expect(readFileSync(join(changed.upper, 'hello.txt'), 'utf8')).toBe('hi\n');
  }),
);

itNeeds([...NEEDS], 'the init layer is between, and neither shown nor committed', () =>
  inContainer('true', async (changed) => {
    const paths = await findIn(changed.init);
    expect(paths).toEqual(expect.arrayContaining(['etc/hosts', 'etc/resolv.conf', 'dev/pts']));
    expect(diffOf(changed)).toEqual([]);
    expect(diffOf({ ...changed, upper: changed.init, init: null }).length).toBeGreaterThan(5);
    const image = await commitContainer(store, { image: base, upper: changed.upper });
    const layer = await store.layer(chainIds(image.config.rootfs.diff_ids).at(-1) as Digest);
    expect(await findIn(layer?.diff ?? '')).toEqual(['']);
    expect(INIT_ENTRIES.map(({ path }) => path)).toContain('/etc/hostname');
  }),
);

itNeeds([...NEEDS], 'commit takes the read-write layer alone, and changes what it is told', () =>
  inContainer('echo hi > /hello.txt; rm /etc/passwd', async ({ upper }) => {
    const image = await commitContainer(store, {
      image: base,
      upper,
      names: ['test/committed'],
      changes: ['CMD ["cat", "/hello.txt"]', 'ENV A=1'],
      message: 'greets',
      createdBy: 'sh',
    });
    const before = base.config.rootfs.diff_ids;
    expect(image.config.rootfs.diff_ids.slice(0, -1)).toEqual(before);
    expect(image.config.config).toMatchObject({ Cmd: ['cat', '/hello.txt'] });
    expect(image.config.config?.Env).toContain('A=1');
    const [row, below] = await historyOf(store, image);
    expect(row).toMatchObject({ createdBy: 'sh', comment: 'greets', size: 3 });
    expect(below?.layer?.diffId).toBe(before[0]);
    const tar = store.layerTar(chainIds(image.config.rootfs.diff_ids).at(-1) as Digest);
    const { stdout } = await execa('tar', ['-tf', '-'], { input: tar });
    expect(
      stdout
        .split('\n')
        .map((line) => line.replace(/^\.?\//, ''))
        .filter(Boolean),
    ).toEqual(['etc/', 'etc/.wh.passwd', 'hello.txt']);
    const files = commitContainer(store, { image: base, upper, changes: ['RUN x'] });
    await expect(files).rejects.toThrow('RUN does not only change the configuration');
  }),
);

itNeeds([...NEEDS], 'history tells layers without a step, and steps without a layer', async () => {
  const config = { ...base.config, history: [] };
  const bare = await store.putImage(config, []);
  expect(await historyOf(store, bare)).toMatchObject([{ comment: 'not in the history' }]);
  const history = [...(base.config.history ?? []), { created_by: 'ENV x', empty_layer: true }];
  const told = await store.putImage({ ...base.config, history }, []);
  expect(await historyOf(store, told)).toMatchObject([
    { createdBy: 'ENV x', size: 0, layer: null },
    { layer: { diffId: base.config.rootfs.diff_ids[0] } },
  ]);
});

itNeeds(
  [...NEEDS, 'command:skopeo', 'command:umoci'],
  'what is built is read by skopeo and umoci, and is there as it was made',
  async () => {
    const context = mkdtempSync(join(top, 'context-'));
    const lines = ['FROM unboxed/base', 'RUN echo "Hello world" > /tmp/newfile; rm /etc/group'];
    await execa('tee', [join(context, 'Dockerfile')], { input: `${lines.join('\n')}\nUSER 7\n` });
    const execute = executeInContainer;
    const names = ['test/interop'];
    const image = await buildImage({ store, context, state, execute, names, network: 'none' });
    const directory = join(top, 'layout');
    await save(store, ['test/interop'], { directory }, { format: 'oci' });
    const { stdout } = await execa('skopeo', ['inspect', '--config', `oci:${directory}`]);
    const { config, rootfs } = image.config;
    expect(JSON.parse(stdout)).toMatchObject({ config, rootfs });
    const [reference] = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')).manifests;
    const tag = reference.annotations['org.opencontainers.image.ref.name'];
    const bundle = join(top, 'bundle');
    await execa('umoci', ['unpack', '--image', `${directory}:${tag}`, bundle]);
    const text = await execa('cat', [join(bundle, 'rootfs/tmp/newfile')]);
    expect(text.stdout).toBe('Hello world');
    expect(await findIn(join(bundle, 'rootfs/etc'))).not.toContain('group');
    const { process } = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    expect(process.user.uid).toBe(7);
  },
);
