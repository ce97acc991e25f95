// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as a Dockerfile has them
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { executeInContainer } from '../../container/build-step.ts';
import { removeTree } from '../../host/remove-tree.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import { makeBaseImage } from '../base/base.ts';
import { chainIds } from '../chain-id.ts';
import { historyOf } from '../history.ts';
import type { ImageRecord } from '../store.ts';
import { openStore, type Store } from '../store.ts';
import { type BuildEvent, type BuildOptions, buildImage } from './build.ts';

let top: string;
let state: string;
let store: Store;
let context: string;
let events: BuildEvent[];

beforeAll(async () => {
  // Not below /tmp, which may be an overlay or a tmpfs: an upper cannot lie on the former.
  top = mkdtempSync('/var/tmp/unboxed-build-');
  state = join(top, 'state');
  store = await openStore(join(top, 'images'));
  if (process.geteuid?.() === 0) await makeBaseImage(store, { state });
});
afterAll(() => removeTree(top));
beforeEach(() => {
  context = mkdtempSync(join(top, 'context-'));
  events = [];
});

function put(path: string, text: string | Uint8Array, mode = 0o644): string {
  const file = join(context, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return file;
}

/** Builds the lines after a FROM of the base image, or as they are where they begin with one. */
function build(text: string, options: Partial<BuildOptions> = {}): Promise<ImageRecord> {
  const begun = /^(FROM|ARG|#)/.test(text) ? text : `FROM unboxed/base\n${text}`;
  put('Dockerfile', begun);
  events = [];
  return buildImage({
    ...{ store, context, state, execute: executeInContainer, network: 'none' },
    onEvent: (event) => events.push(event),
    ...options,
  });
}

const cached = () => events.filter(({ kind }) => kind === 'cached').length;
const output = () =>
  Buffer.concat(events.flatMap((it) => (it.kind === 'output' ? [it.chunk] : []))).toString();

/** The directory on the disk of the topmost layer but `n`. */
async function layerDirectory({ config }: ImageRecord, n = 0): Promise<string> {
  const chain = chainIds(config.rootfs.diff_ids).at(-1 - n);
  if (!chain) throw new Error('no such layer');
  // As one who walks the store by hand: chain id, cache-id, directory.
  const at = join(store.directory, 'image/layerdb/sha256', chain.replace('sha256:', ''));
  const cacheId = readFileSync(join(at, 'cache-id'), 'utf8').trim();
  return join(store.directory, 'overlay2', cacheId, 'diff');
}

/** What find(1) sees in the topmost layer: kind, mode, owner, path. */
async function listLayer(image: ImageRecord, n = 0): Promise<string[]> {
  const cwd = await layerDirectory(image, n);
  const { stdout } = await execa('find', ['.', '-mindepth', '1', '-printf', '%y %m %U:%G %P\n'], {
    cwd,
  });
  const path = (line: string) => line.split(' ')[3] ?? '';
  return stdout.split('\n').sort((a, b) => (path(a) < path(b) ? -1 : 1));
}

const ROOT = ['root', 'overlay', 'command:find', 'command:sha256sum'] as const;

itNeeds([...ROOT], 'RUN makes a layer, with what it wrote and nothing else', async () => {
  const image = await build('RUN echo "Hello world" > /tmp/newfile\n');
  expect(await listLayer(image)).toEqual(['d 1777 0:0 tmp', 'f 644 0:0 tmp/newfile']);
  const [row] = await historyOf(store, image);
  expect(row).toMatchObject({
    createdBy: 'RUN /bin/sh -c echo "Hello world" > /tmp/newfile',
    size: 12,
  });
});

itNeeds([...ROOT], 'ids are digests that sha256sum finds as well', async () => {
  const image = await build('RUN echo digest > /x\n');
  const config = join(store.directory, 'image/imagedb/content/sha256', image.id.slice(7));
  expect((await execa('sha256sum', [config])).stdout.slice(0, 64)).toBe(image.id.slice(7));
  const chain = chainIds(image.config.rootfs.diff_ids).at(-1);
  if (!chain) throw new Error('no layer');
  const { stdout } = await execa('sha256sum', { input: store.layerTar(chain) });
  expect(`sha256:${stdout.slice(0, 64)}`).toBe(image.config.rootfs.diff_ids.at(-1));
});

itNeeds([...ROOT], 'the same again comes from the cache, to the same image', async () => {
  put('a', 'one');
  put('b', 'two');
  const text = 'COPY a /x/\nCOPY b /x/\nENV A=1\nWORKDIR /w\nRUN echo $A > out\nCMD ["sh"]\n';
  const first = await build(text);
  expect(cached()).toBe(0);
  utimesSync(join(context, 'a'), 1, 1);
  const second = await build(text);
  expect([cached(), second.id]).toEqual([4, first.id]);
  const third = await build(text, { cache: false });
  expect(cached()).toBe(0);
  expect(third.config.rootfs.diff_ids.length).toBe(first.config.rootfs.diff_ids.length);
});

itNeeds([...ROOT], 'what changes is built anew, with all that stands on it', async () => {
  const text = 'COPY a /a\nRUN cat /a > /b\nRUN echo apart > /c\n';
  put('a', 'one');
  await build(text);
  put('a', 'two');
  const image = await build(text);
  expect(cached()).toBe(0);
  expect(readFileSync(join(await layerDirectory(image, 1), 'b'), 'utf8')).toBe('two');
  await build(text.replace('apart', 'other'));
  expect(cached()).toBe(2);
  await build(`LABEL x=y\n${text}`);
  expect(cached()).toBe(3);
  await build(`ENV x=y\n${text}`);
  expect(cached()).toBe(1);
  await build(`FROM unboxed/base\nARG x\n${text}`, { buildArgs: { x: '1' } });
  expect(cached()).toBe(1);
});

itNeeds([...ROOT], 'who runs it, where, and whose it becomes count as well', async () => {
  put('a', 'counted');
  const layers = new Set<unknown>();
  for (const text of [
    'RUN pwd > /tmp/x; id -u >> /tmp/x',
    'USER nobody\nRUN pwd > /tmp/x; id -u >> /tmp/x',
    'WORKDIR /tmp\nRUN pwd > /tmp/x; id -u >> /tmp/x',
    'COPY a /a',
    'COPY a /b',
    'COPY --chown=1 a /a',
    'COPY --chmod=600 a /a',
  ]) {
    const image = await build(text);
    expect([text, cached()]).toEqual([text, 0]);
    layers.add(image.config.rootfs.diff_ids.at(-1));
  }
  expect(layers.size).toBe(7);
});

itNeeds([...ROOT], 'a command that fails gives its line and its exit code', async () => {
  const building = build('ENV A=1\nRUN echo before; \\\n  exit 7\nRUN echo after\n');
  await expect(building).rejects.toMatchObject({
    message: 'Dockerfile:3: RUN echo before;   exit 7: exit code 7',
    line: 3,
    exitCode: 7,
  });
  expect(output()).toBe('before\n');
  await expect(build('RUN ["nonesuch"]')).rejects.toThrow('Dockerfile:2: RUN: nonesuch: not in');
  expect(readdirSync(join(state, 'runs'))).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(top);
});

itNeeds([...ROOT], 'COPY: owner, mode, links, pattern, .dockerignore', async () => {
  put('src/a.ts', 'a', 0o600);
  put('src/b.md', 'b');
  put('src/deep/c.ts', 'c');
  symlinkSync('a.ts', join(context, 'src/l'));
  put('.dockerignore', '**/*.md\n');
  const image = await build('COPY --chown=7:8 --chmod=640 src/ /opt/src/\n');
  expect(await listLayer(image)).toEqual([
    'd 755 7:8 opt',
    'd 755 7:8 opt/src',
    'f 640 7:8 opt/src/a.ts',
    'd 640 7:8 opt/src/deep',
    'f 640 7:8 opt/src/deep/c.ts',
    'l 777 7:8 opt/src/l',
  ]);
  const named = await build('COPY --chown=nobody:root src/*.ts /opt/\n');
  expect(await listLayer(named)).toContain('f 600 65534:0 opt/a.ts');
  await expect(build('COPY src/b.md /\n')).rejects.toThrow(
    'Dockerfile:2: COPY: src/b.md is not in',
  );
  await expect(build('COPY --chown=ann src /s/\n')).rejects.toThrow('no user ann');
  await expect(build('COPY ../x /\n')).rejects.toThrow('../x is not in the build context');
});

itNeeds([...ROOT], 'stages: only what is copied comes along, owners too', async () => {
  const image = await build(
    'FROM unboxed/base AS make\nRUN mkdir /out && echo made > /out/tool && chown 5:6 /out/tool\n' +
      'FROM unboxed/base AS unused\nRUN exit 1\n' +
      'FROM scratch\nCOPY --from=make /out/ /bin/\nCOPY --from=unboxed/base /etc/passwd /etc/\n',
  );
  expect(image.config.rootfs.diff_ids).toHaveLength(2);
  expect(await listLayer(image, 1)).toEqual(['d 755 0:0 bin', 'f 644 5:6 bin/tool']);
  expect(await listLayer(image)).toContain('f 644 0:0 etc/passwd');
  const target = await build(readFileSync(join(context, 'Dockerfile'), 'utf8'), { target: 'make' });
  expect(target.config.rootfs.diff_ids).toHaveLength(2);
  expect(cached()).toBe(1);
  const other = readFileSync(join(context, 'Dockerfile'), 'utf8').replace('made >', 'other >');
  expect(readFileSync(join(await layerDirectory(await build(other), 1), 'bin/tool'), 'utf8')).toBe(
    'other\n',
  );
});

itNeeds([...ROOT], 'variables: ARG, ENV, what RUN sees, what the image keeps', async () => {
  const image = await build(
    'ARG V=1\nFROM unboxed/base\nARG V\nARG W=w\nENV E=${V}-$W\nRUN echo $V $W $E\nLABEL l="$W x"\n',
    { buildArgs: { V: '2', none: '' } },
  );
  expect(output()).toBe('2 w 2-w\n');
  expect(image.config.config).toMatchObject({ Labels: { l: 'w x' } });
  expect(image.config.config?.Env).toContain('E=2-w');
  expect(image.config.config?.Env?.join()).not.toContain('V=');
  expect(events).toContainEqual({
    kind: 'warning',
    text: 'no ARG asks for the build argument none',
  });
});

itNeeds([...ROOT], 'USER, WORKDIR and SHELL hold for RUN', async () => {
  const image = await build(
    'WORKDIR /w/x\nRUN chown nobody .\nUSER nobody\nSHELL ["/bin/bash", "-ec"]\nRUN id -un; pwd; echo $BASH; touch mine\n',
  );
  expect(output()).toBe('nobody\n/w/x\n/bin/bash\n');
  expect(await listLayer(image)).toContain('f 644 65534:65534 w/x/mine');
  expect(image.config.history?.filter((it) => !it.empty_layer)).toHaveLength(4);
  const same = await build('WORKDIR /tmp\n');
  expect(same.config.history?.at(-1)).toMatchObject({ empty_layer: true });
});

itNeeds([...ROOT], 'VOLUME marks a path, and what is put there later is in the image', async () => {
  const image = await build('VOLUME /data\nRUN mkdir /data && echo x > /data/f\n');
  expect(await listLayer(image)).toContain('f 644 0:0 data/f');
  expect(image.config.config?.Volumes).toEqual({ '/data': {} });
});

itNeeds([...ROOT], 'CMD of the image below is gone with an entry point of its own', async () => {
  const below = await build('CMD ["a"]\n', { names: ['test/below'] });
  expect(below.config.config?.Cmd).toEqual(['a']);
  const image = await build('FROM test/below\nENTRYPOINT ["e"]\n');
  expect([image.config.config?.Entrypoint, image.config.config?.Cmd]).toEqual([['e'], undefined]);
  const both = await build('FROM test/below\nCMD ["b"]\nENTRYPOINT ["e"]\n');
  expect(both.config.config?.Cmd).toEqual(['b']);
});

itNeeds([...ROOT], 'ONBUILD waits for who builds upon it', async () => {
  await build('ONBUILD COPY app /app\nONBUILD RUN echo triggered\n', { names: ['test/onbuild'] });
  expect(output()).toBe('');
  put('app', 'x');
  const image = await build('FROM test/onbuild\nCMD ["x"]\n');
  expect(output()).toBe('triggered\n');
  expect(image.config.config?.OnBuild).toBeUndefined();
});

itNeeds([...ROOT, 'tar', 'command:xz'], 'ADD unpacks archives, COPY does not', async () => {
  put('d/file', 'text');
  const archive = (name: string, ...flags: string[]) =>
    execa('tar', ['--owner=3', '--group=4', ...flags, '-cf', join(context, name), 'file'], {
      cwd: join(context, 'd'),
    });
  await archive('a.tar');
  await archive('b.blob', '-z');
  await archive('c.tar.xz', '-J');
  put('d.gz', gzipSync('no archive'));
  const image = await build('ADD a.tar /a\nADD b.blob /b/\nADD c.tar.xz /c\nADD d.gz /d/\n');
  for (const [index, name] of ['c', 'b', 'a'].entries()) {
    const files = await listLayer(image, index + 1);
    expect(files).toEqual([`d 755 0:0 ${name}`, `f 644 3:4 ${name}/file`]);
  }
  expect(await listLayer(image)).toContain('f 644 0:0 d/d.gz');
  expect(await listLayer(await build('COPY a.tar /\n'))).toEqual(['f 644 0:0 a.tar']);
});

itNeeds(
  [...ROOT, 'tar'],
  'an archive that would remove files of the image is refused',
  async () => {
    put('.wh.etc', '');
    await execa('tar', ['-cf', 'gone.tar', '.wh.etc'], { cwd: context });
    await expect(build('ADD gone.tar /\n')).rejects.toThrow(
      'Dockerfile:2: ADD: .wh.etc: in a layer',
    );
  },
);

itNeeds([...ROOT, 'tar'], 'an archive that points outside stays inside', async () => {
  const victim = join(top, 'victim');
  mkdirSync(victim);
  put('w/x', 'attack');
  symlinkSync(victim, join(context, 'w/link'));
  await execa('tar', ['-cf', '../hostile.tar', 'link'], { cwd: join(context, 'w') });
  await execa('tar', ['--transform', 's,^x,link/x,', '-rf', '../hostile.tar', 'x'], {
    cwd: join(context, 'w'),
  });
  await build('ADD hostile.tar /\n').catch(() => undefined);
  expect(readdirSync(victim)).toEqual([]);
});

itNeeds([...ROOT], 'ADD fetches what is at an address, and checks it', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/none' ? 404 : 200).end('fetched');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const image = await build(`ADD ${at}/tool.txt /opt/\n`);
    expect(await listLayer(image)).toContain('f 600 0:0 opt/tool.txt');
    const wrong = `sha256:${'0'.repeat(64)}`;
    await expect(build(`ADD --checksum=${wrong} ${at}/x /x\n`)).rejects.toThrow('Dockerfile:2');
    await expect(build(`ADD ${at}/none /x\n`)).rejects.toThrow('/none: answered 404');
  } finally {
    server.close();
  }
});

itNeeds([...ROOT], 'here-documents: a script for RUN, files for COPY', async () => {
  const image = await build(
    'ENV A=v\nRUN <<EOF\necho one\necho $A two\nEOF\nCOPY <<X <<"Y" /files/\n"$A"\nX\n$A\nY\n',
  );
  expect(output()).toBe('one\nv two\n');
  const directory = await layerDirectory(image);
  expect(readFileSync(join(directory, 'files/X'), 'utf8')).toBe('"v"\n');
  expect(readFileSync(join(directory, 'files/Y'), 'utf8')).toBe('$A\n');
});

itNeeds([...ROOT], 'with a fixed time the same files give the same image anywhere', async () => {
  put('a', 'x');
  const text = 'COPY a /opt/\nRUN mkdir /made && echo y > /made/z\nENV A=1\n';
  const other = await openStore(join(top, 'other'));
  await makeBaseImage(other, { state });
  const first = await build(text, { sourceDateEpoch: 1000 });
  const second = await build(text, { sourceDateEpoch: 1000, store: other });
  expect(second.id).toBe(first.id);
  expect(first.created).toBe('1970-01-01T00:16:40.000Z');
  expect(statSync(join(await layerDirectory(first), 'made/z')).mtimeMs).toBe(1_000_000);
});

itNeeds([...ROOT], 'FROM: an image that is not there, and scratch with nothing in it', async () => {
  await expect(build('FROM nobody/none\n')).rejects.toThrow(
    'Dockerfile:1: FROM nobody/none: there is no such image; pull or load it first',
  );
  const image = await build('FROM scratch\nCMD ["/x"]\n');
  expect(image.config.rootfs.diff_ids).toEqual([]);
});

itNeeds(
  [...ROOT],
  'the base image is the same each time, and has one owner and one time',
  async () => {
    const other = await openStore(join(top, 'third'));
    const made = await makeBaseImage(other, { state });
    const here = await store.image('unboxed/base');
    expect(made.id).toBe(here?.id);
    const chain = chainIds(made.config.rootfs.diff_ids).at(-1);
    const layer = chain && (await other.layer(chain));
    const { stdout } = await execa('find', [layer ? layer.diff : '', '-printf', '%T@ %U:%G\n']);
    expect([...new Set(stdout.split('\n'))]).toEqual(['0.0000000000 0:0']);
  },
);

it('flags and forms that are not known are refused with their line', async () => {
  for (const [text, message] of [
    ['COPY --parents a /b', 'COPY --parents: not known here'],
    ['COPY --chmod=u+x a /b', '--chmod=u+x: an octal number'],
    ['COPY a', 'a source and a destination'],
    ['RUN --mount=type=cache,target=/x y', 'RUN --mount: not known here'],
  ] as const) {
    const building = build(`FROM scratch\n${text}\n`);
    await expect(building).rejects.toThrow(message);
    await expect(building).rejects.toThrow(/^Dockerfile:2: /);
  }
});
