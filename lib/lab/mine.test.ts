import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { root } from './course.ts';
import { moveRuntime } from './my-runtime.ts';

let directory: string;
let mine: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-mine-'));
  mine = join(directory, 'my', 'runtime.ts');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Calls a function of mine.ts in a Node of its own, as a script does. */
function call(expression: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const code = `import * as mine from '${root}lib/lab/mine.ts';
    process.exitCode = await mine.${expression};`;
  const env = {
    ...process.env,
    UNBOXED_MY: join(directory, 'my'),
    UNBOXED_STATE: join(directory, 'state'),
  };
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', code],
      { env },
      (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const runtimeOf = (folder: string) => {
  const from = join(root, 'labs', folder);
  return moveRuntime(readFileSync(join(from, 'runtime.ts'), 'utf8'), from, dirname(mine));
};

function write(text: string): void {
  mkdirSync(dirname(mine), { recursive: true });
  writeFileSync(mine, text);
}

const kept = () =>
  readdirSync(dirname(mine)).filter((name) => name.includes('.before-') || name.includes('.kept-'));

/** Runs and journals that are still there: the cache of root filesystems may stay. */
const stateLeft = () =>
  ['runs', 'journal']
    .map((name) => join(directory, 'state', name))
    .flatMap((path) => (existsSync(path) ? readdirSync(path) : []));

describe('my/runtime.ts', () => {
  it('begins as the lab before, with the task in it and imports that lead to files', async () => {
    expect(await call("resetMine('02')")).toMatchObject({ code: 0, stderr: '' });
    const text = readFileSync(mine, 'utf8');
    expect(text).toMatch(/^ +\/\/ Task 02: /m);
    expect(text).toContain('call.chroot(');
    const imports = [...text.matchAll(/from '(\.[^']*)'/g)].map(([, path = '']) => path);
    expect(imports.length).toBeGreaterThan(1);
    for (const path of imports) expect(existsSync(resolve(dirname(mine), path))).toBe(true);
    expect(kept()).toEqual([]);
  });

  it('starts over with --reset, the old file kept each time under a free name', async () => {
    write('// first');
    await call("resetMine('02')");
    write('// second');
    expect((await call("resetMine('02')")).stdout).toContain('runtime.kept-2.ts');
    expect(readFileSync(join(dirname(mine), 'runtime.kept-1.ts'), 'utf8')).toBe('// first');
    expect(readFileSync(join(dirname(mine), 'runtime.kept-2.ts'), 'utf8')).toBe('// second');
  });

  it('gets the next task at its place, the old file kept aside', async () => {
    const solved = `// Task 01: done\n${runtimeOf('01-chroot')}`;
    write(solved);
    const { stdout } = await call("showSolution('02')");
    expect(stdout).toContain('wrote the task of lab 02');
    expect(readFileSync(mine, 'utf8')).toMatch(/^ +\/\/ Task 02: /m);
    expect(readFileSync(join(dirname(mine), 'runtime.before-02.ts'), 'utf8')).toBe(solved);
    expect((await call("showSolution('02')")).stdout).not.toContain('the task of lab');
    expect(kept()).toEqual(['runtime.before-02.ts']);
  });

  it('is left alone when the place is not found: the task is printed', async () => {
    write('// Task 01: done\n');
    expect((await call("showSolution('02')")).stdout).toMatch(/paste it.*\n\n\/\/ Task 02: /);
    expect(readFileSync(mine, 'utf8')).toBe('// Task 01: done\n');
  });

  it('is left alone when it has come further', async () => {
    const further = `// Task 04: later\n${runtimeOf('03-pivot-root')}`;
    write(further);
    await call("showSolution('02')");
    expect(readFileSync(mine, 'utf8')).toBe(further);
  });
});

describe('a run of my/runtime.ts', () => {
  it.each([
    ['a syntax error', '// Task 02:\nexport const runtime = (;\n', /:2: Expression expected$/],
    ['no export', '// Task 02:\n\nfunction runtime() {}\n', /:3: `runtime` is not exported/],
    ['an export of another kind', '// Task 02:\nexport const runtime = 1;', /:2: .*no function/],
    ['an import that leads nowhere', "// Task 02:\nimport './no.ts';", /:2: Cannot find module/],
    ['a wrong name', '// Task 02:\n\nfoo();', /:3: foo is not defined$/],
  ])('tells %s in one line with its place, and sets nothing up', async (_, text, message) => {
    write(text);
    const { code, stderr, stdout } = await call("runMine({ number: '02' })");
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim()).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(join(directory, 'state'))).toBe(false);
  });

  it('refuses a lab that there is not', async () => {
    expect(await call("runMine({ number: '77' })")).toMatchObject({ code: 2, stdout: '' });
  });

  itNeeds(
    ['root'],
    'does not pass with the untouched start, and says what is missing',
    async () => {
      const { code, stdout } = await call("runMine({ number: '01' })");
      expect(code).toBe(1);
      expect(stdout).toMatch(/^made .*my\/runtime\.ts from the runtime of lab 00/);
      expect(stdout).toMatch(/✗ 01: .*root/);
      expect(stdout).toMatch(/lab 01, yours: .* did not/);
      expect(stateLeft()).toEqual([]);
    },
  );

  itNeeds(
    ['root'],
    'passes with the lab’s own lines, earlier labs’ checks among them',
    async () => {
      write(`// Task 01:\n${runtimeOf('01-chroot')}`);
      const { code, stdout } = await call("runMine({ number: '01', json: true })");
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(events.filter(({ event }) => event === 'check').map(({ lab }) => lab)).toEqual(
        expect.arrayContaining(['00', '01']),
      );
      expect(events.at(-1)).toMatchObject({ event: 'done', held: true, checks: { failed: 0 } });
      expect(code).toBe(0);
      const progress = JSON.parse(readFileSync(join(dirname(mine), 'progress.json'), 'utf8'));
      expect(progress['01']).toHaveProperty('mine');
    },
  );

  itNeeds(['root'], 'names the line of the program that the kernel refused', async () => {
    write(`// Task 01:\n${runtimeOf('01-chroot').replace('container.rootfs', "'/nowhere'")}`);
    const { code, stderr } = await call("runMine({ number: '01' })");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^.*runtime\.ts: no container: line 1 of \d+: chroot\("\/nowhere"\): ENOENT/,
    );
  });
});

describe('help', () => {
  it('comes in three degrees, each asked for by itself, and is remembered', async () => {
    const shown: string[] = [];
    for (const degree of ['', '', '', '', ', 1', '']) {
      const { stdout } = await call(`showHint('02'${degree})`);
      shown.push(/^hint \d of 3/.exec(stdout)?.[0] ?? stdout);
    }
    const numbers = [1, 2, 3, 3, 1, 2];
    expect(shown).toEqual(numbers.map((degree) => `hint ${degree} of 3`));
    expect(await call("showHint('02', 4)")).toMatchObject({ code: 2, stdout: '' });
  });

  it('ends with what is to be written, imports not counted', async () => {
    write(`// Task 02:\n${runtimeOf('01-chroot')}`);
    const { code, stdout } = await call("showSolution('02')");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\+ .*MS_PRIVATE/m);
    expect(stdout).not.toMatch(/^[+-] .*program\.ts/m);
  });
});
