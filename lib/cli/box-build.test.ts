import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { chainIds } from '../image/chain-id.ts';
import { openStore } from '../image/store.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import type { Need } from '../observe/needs.ts';
import { type BoxPlace, FORMS, givePlaces } from './box.fixture.ts';
import { atTerminal } from './terminal.fixture.ts';

const need: Need[] = ['root', 'overlay', 'ldd'];

describe.each(FORMS)('$form', (form) => {
  let place: BoxPlace;
  givePlaces(form, (given) => {
    place = given;
    mkdirSync(join(place.base, 'context'));
  });

  const box = (...args: string[]) => place.box(...args);

  function writeDockerfile(...lines: string[]) {
    writeFileSync(join(place.base, 'context/Dockerfile'), `${lines.join('\n')}\n`);
  }
  async function layersOf(name: string) {
    const store = await openStore(place.root);
    const image = await store.image(name);
    const chain = chainIds(image?.config.rootfs.diff_ids ?? []);
    const layers = await Promise.all(chain.map((each) => store.layer(each)));
    return { image, diffs: layers.map((layer) => layer?.diff ?? '') };
  }
  const nothingStays = () => {
    const mounted = readMountinfo().filter(({ mountPoint }) => mountPoint.startsWith(place.base));
    expect(mounted).toEqual([]);
    for (const directory of ['runs', 'journal'].map((name) => join(place.root, 'state', name))) {
      expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
    }
  };

  itNeeds(need, 'makes unboxed/base where it is missing, and a layer for each step', async () => {
    writeDockerfile(
      'FROM unboxed/base',
      'ARG WHO=nobody',
      'RUN echo told; echo "Hello $WHO" > /tmp/newfile',
      'COPY Dockerfile /opt/',
    );
    const args = ['-t', 'lab/hello', '-t', 'lab/again:v2', '--label', 'a=b=c', '--label', 'empty'];
    const id = join(place.base, 'id');
    const own = ['--build-arg', 'WHO=world', '--iidfile', id, '--network', 'none'];
    const { code, out } = await box('build', ...args, ...own, 'context');
    expect(code).toBe(0);
    const { image, diffs } = await layersOf('lab/again:v2');
    expect(out).toMatch(/^Step 1\/4 : FROM unboxed\/base\n(?:.*\n)*told\n ---> \w{12} 12B\n/);
    const short = image?.id.slice(7, 19);
    expect(out).toMatch(
      new RegExp(
        `Successfully built ${short}\nSuccessfully tagged lab/hello:latest\nSuccessfully tagged lab/again:v2\n$`,
      ),
    );
    expect(readFileSync(id, 'utf8')).toBe(image?.id);
    expect(image?.config.config?.Labels).toEqual({ a: 'b=c', empty: '' });
    expect(diffs).toHaveLength(3);
    expect(readFileSync(join(realpathSync(diffs[1] ?? ''), 'tmp/newfile'), 'utf8')).toBe(
      'Hello world\n',
    );
    expect(readdirSync(join(diffs[2] ?? '', 'opt'))).toEqual(['Dockerfile']);
    const rows = await box('history', '--format', '{{.Size}}', 'lab/hello');
    expect(rows.out.split('\n')[1]).toBe('12B');

    const cached = await box('build', ...args, ...own, 'context');
    expect(cached.out.match(/ ---> Using cache/g)).toHaveLength(2);
    const quiet = await box('build', '-q', ...own.slice(0, 2), '--network', 'none', 'context');
    expect(quiet.out).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    nothingStays();
  });

  itNeeds(need, 'pull makes unboxed/base with no network, for this machine alone', async () => {
    const full = 'docker.io/unboxed/base:latest';
    expect(await box('pull', '-q', 'unboxed/base')).toEqual({ code: 0, out: `${full}\n`, err: '' });
    const { diffs } = await layersOf('unboxed/base');
    expect(readdirSync(diffs[0] ?? '')).toContain('bin');
    expect((await box('pull', 'unboxed/base')).out).toContain('Image is up to date');
    const other = await box('pull', '-q', '--platform', 'linux/s390x', 'unboxed/base');
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toMatch(/^box: unboxed\/base: made here for [^\n]+\n$/);
  });

  itNeeds(need, 'Ctrl-C ends the command of a RUN, and nothing stays', async () => {
    writeDockerfile('FROM unboxed/base', 'RUN echo begun; sleep 600');
    const [program, ...before] = form.argv;
    const options = { env: place.env, extendEnv: false, reject: false } as const;
    const context = join(place.base, 'context');
    const child = execa(program, [...before, 'build', '-t', 'lab/x', context], options);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await expect.poll(() => said).toContain('\nbegun\n');
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: 'box: ended by SIGINT' });
    expect(await (await openStore(place.root)).image('lab/x')).toBe(null);
    nothingStays();
  });

  itNeeds(need, 'takes the Dockerfile from its input', async () => {
    const text = 'FROM scratch\nCOPY x /x\n';
    writeFileSync(join(place.base, 'context/x'), 'content');
    const { code } = await place.feed(text, 'build', '-t', 'lab/x', '-f', '-', 'context');
    expect(code).toBe(0);
    const { diffs } = await layersOf('lab/x');
    expect(readFileSync(join(diffs[0] ?? '', 'x'), 'utf8')).toBe('content');
    const empty = await place.feed(text, 'build', '-');
    expect(empty).toMatchObject({ code: 1 });
    expect(empty.err).toMatch(/^box: Dockerfile:2: COPY: [^\n]+\n$/);
    const archive = await place.feed(Buffer.alloc(1024), 'build', '-');
    expect(archive.err).toMatch(/^box: build: the input is no Dockerfile[^\n]+\n$/);
  });

  itNeeds(need, 'a step that fails is named with its line, and nothing stays', async () => {
    writeDockerfile('FROM unboxed/base', 'RUN echo before; exit 3');
    const { code, out, err } = await box('build', '-t', 'lab/x', 'context');
    expect(code).toBe(1);
    expect(out).toContain('\nbefore\n');
    expect(err).toBe('box: Dockerfile:2: RUN echo before; exit 3: exit code 3\n');
    // What was said is needed now, quiet or not.
    expect((await box('build', '-q', 'context')).err).toMatch(/^before\nbox: Dockerfile:2: /);
    expect(await (await openStore(place.root)).image('lab/x')).toBe(null);
    writeDockerfile('FROM 127.0.0.1:9/none');
    const unreachable = await box('build', 'context');
    expect(unreachable.err).toMatch(/^box: Dockerfile:1: FROM: [^\n]+\n$/);
    writeDockerfile('FROM scratch', 'NONSENSE');
    expect((await box('build', 'context')).err).toMatch(
      /^box: Dockerfile:2: NONSENSE is no instruction/,
    );
    nothingStays();
  });

  itNeeds(need, 'at a terminal a step is a line, which tells in the end what it made', async () => {
    writeDockerfile('FROM unboxed/base', 'RUN echo some words; echo 123 > /x');
    const { code, screen } = await atTerminal(form, place, ['build', '-t', 'lab/x', 'context']);
    expect(code).toBe(0);
    expect(screen.slice(0, 3)).toEqual([
      '[1/2] FROM unboxed/base',
      '[2/2] RUN echo some words; echo 123 > /x  4B',
      '    some words',
    ]);
  });
});
