/**
 * The bootstrap in a checkout of its own, whose lock file asks for one package. What is installed
 * is laid down as npm lays it; npm itself is not on PATH, so that nothing is downloaded.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const PACKAGE = { version: '1.0.0', integrity: 'sha512-a' };
const DEV_PACKAGE = { version: '2.0.0', integrity: 'sha512-b', dev: true };
const SCRIPT = `
  const [, script, ...args] = process.argv;
  if (args[0] === 'exit') process.exit(Number(args[1]));
  if (args[0] === 'kill') process.kill(process.pid, 'SIGKILL');
  if (args[0] === 'wait') {
    process.on('SIGTERM', () => process.exit(9));
    setInterval(() => {}, 1000);
    console.log('ready');
  } else console.log(JSON.stringify({ script, args, ppid: process.ppid }));
`;
let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'unboxed-bootstrap-'));
  for (const name of ['bootstrap.mjs', 'bootstrap']) {
    cpSync(join(import.meta.dirname, name), join(checkout, 'scripts', name), { recursive: true });
  }
  writeFileSync(join(checkout, 'scripts', 'report.mjs'), SCRIPT);
  write('package.json', { engines: { node: '>=18' } });
  lock('package-lock.json', { 'node_modules/a': PACKAGE, 'node_modules/b': DEV_PACKAGE });
});

afterEach(() => rmSync(checkout, { recursive: true, force: true }));

describe('arguments and exit codes', () => {
  beforeEach(() => installed({ 'node_modules/a': PACKAGE }));

  test('reach the script unchanged', () => {
    const { stdout } = bootstrap('scripts/report.mjs', '05', '--yes', '', 'a b', '--', '--dev');
    const { script, args } = JSON.parse(stdout);
    expect(args).toEqual(['05', '--yes', '', 'a b', '--', '--dev']);
    expect(script).toBe(join(checkout, 'scripts/report.mjs'));
  });

  test('and what the script starts compiles WebAssembly once, as the script does', () => {
    const hot = join(import.meta.dirname, 'bootstrap', 'hot-wasm.fixture.mjs');
    const direct = spawnSync(process.execPath, [hot], { encoding: 'utf8', env: {} });
    expect(direct.stdout).toBe('optimized optimized\n');
    cpSync(hot, join(checkout, 'scripts', 'hot.mjs'));
    expect(bootstrap('scripts/hot.mjs').stdout).toBe('baseline baseline\n');
  });

  test('of the script are those of the bootstrap', () => {
    expect(bootstrap('scripts/report.mjs', 'exit', '4').status).toBe(4);
  });

  test('a script that is not there is a wrong call', () => {
    const { status, stderr } = bootstrap('scripts/none.ts');
    expect({ status, stderr }).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/there is no scripts\/none.ts/),
    });
  });
});

describe('what is missing', () => {
  test('nothing is, once the lock file and npm agree; packages beyond it do no harm', () => {
    installed({ 'node_modules/a': PACKAGE, 'node_modules/c': PACKAGE });
    expect(bootstrap('scripts/report.mjs').stderr).toBe('');
  });

  test.each([
    ['a package that npm never installed', () => installed({})],
    ['another version', () => installed({ 'node_modules/a': { ...PACKAGE, version: '1.0.1' } })],
    ['another hash', () => installed({ 'node_modules/a': { ...PACKAGE, integrity: 'sha512-c' } })],
    [
      'a folder removed by hand',
      () => lock('node_modules/.package-lock.json', { 'node_modules/a': PACKAGE }),
    ],
  ])('%s is; without npm that is one line and exit code 3', (_, lay) => {
    lay();
    const { status, stderr } = bootstrap('scripts/report.mjs');
    expect(status).toBe(3);
    expect(stderr).toMatch(/^unboxed: installing .*\nunboxed: .* npm is not on PATH .*\n$/);
    expect(existsSync(join(checkout, '.install'))).toBe(false);
  });

  test('a failed install leaves the packages that were there', () => {
    installed({ 'node_modules/a': PACKAGE });
    expect(bootstrap('--dev', 'scripts/report.mjs').status).toBe(3);
    expect(bootstrap('scripts/report.mjs').status).toBe(0);
  });

  test('an optional package is asked for only where it fits the system', () => {
    const elsewhere = { ...PACKAGE, optional: true, os: ['sunos'], cpu: [process.arch] };
    const here = { ...PACKAGE, optional: true, os: process.platform, cpu: [process.arch] };
    installed({});
    lock('package-lock.json', { 'node_modules/a': elsewhere });
    expect(bootstrap('scripts/report.mjs').status).toBe(0);
    lock('package-lock.json', { 'node_modules/a': here });
    expect(bootstrap('scripts/report.mjs').status).toBe(3);
  });
});

describe('one install at a time', () => {
  test('a live one is waited for, and what it brought is not installed again', async () => {
    const start = readFileSync(`/proc/${process.pid}/stat`, 'utf8').replace(/^.*\) /s, '');
    mkdirSync(join(checkout, '.install'));
    const owner = `${process.pid} ${start.split(' ')[19]}\n`;
    writeFileSync(join(checkout, '.install', 'processes'), owner);
    const child = startBootstrap('scripts/report.mjs');
    const [line] = await once(child.stderr, 'data');
    expect(String(line)).toMatch(/waiting for another install/);
    installed({ 'node_modules/a': PACKAGE });
    rmSync(join(checkout, '.install'), { recursive: true });
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  test.each([
    ['a process that is gone', '999999999 1\n'],
    ['a pid that belongs to another process now', `${process.pid} 1\n`],
  ])('the turn of %s is taken over', (_, processes) => {
    mkdirSync(join(checkout, '.install'));
    writeFileSync(join(checkout, '.install', 'processes'), processes);
    expect(bootstrap('scripts/report.mjs').stderr).toMatch(/npm is not on PATH/);
  });
});

describe('a Node that is too old', () => {
  beforeEach(() => {
    installed({ 'node_modules/a': PACKAGE });
    write('package.json', { engines: { node: '>=999' } });
    mkdirSync(join(checkout, 'scripts/node/node_modules/.bin'), { recursive: true });
    lock('scripts/node/package-lock.json', { 'node_modules/n': PACKAGE });
    mkdirSync(join(checkout, 'scripts/node/node_modules/n'));
    lock('scripts/node/node_modules/.package-lock.json', { 'node_modules/n': PACKAGE });
    mkdirSync(join(checkout, 'node_modules/.bin'));
    symlinkSync(process.execPath, join(checkout, 'scripts/node/node_modules/.bin/node'));
  });

  test('starts the script with the pinned one, with its arguments and exit code', () => {
    const { stdout, pid } = bootstrap('scripts/report.mjs', 'x', '--y');
    expect(JSON.parse(stdout)).toMatchObject({ args: ['x', '--y'], ppid: pid });
    expect(bootstrap('scripts/report.mjs', 'exit', '4').status).toBe(4);
  });

  test('ends with 128 + n when signal n ended the script', () => {
    expect(bootstrap('scripts/report.mjs', 'kill').status).toBe(137);
  });

  test('hands SIGTERM on and waits for the script to end', async () => {
    const child = startBootstrap('scripts/report.mjs', 'wait');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([9, null]);
  });

  test('puts the pinned one where npm looks first', () => {
    bootstrap('scripts/report.mjs');
    const { stdout } = spawnSync(join(checkout, 'node_modules/.bin/node'), ['-p', '1 + 1']);
    expect(String(stdout)).toBe('2\n');
  });

  test('is an error where none is kept for the system', () => {
    lock('scripts/node/package-lock.json', {});
    const { status, stderr } = bootstrap('scripts/report.mjs');
    expect({ status, stderr }).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/too old and none is kept/),
    });
  });
});

function bootstrap(...args: string[]) {
  return spawnSync(process.execPath, ['scripts/bootstrap.mjs', ...args], {
    cwd: checkout,
    encoding: 'utf8',
    env: { PATH: checkout },
    // A wait that never ends becomes a failure: vitest cannot interrupt a synchronous child.
    timeout: 20_000,
  });
}

function startBootstrap(...args: string[]) {
  return spawn(process.execPath, ['scripts/bootstrap.mjs', ...args], {
    cwd: checkout,
    env: { PATH: checkout },
  });
}

/** Lays `packages` into node_modules as a finished `npm ci` leaves them. */
function installed(packages: Record<string, object>): void {
  for (const path of Object.keys(packages)) {
    mkdirSync(join(checkout, path), { recursive: true });
  }
  mkdirSync(join(checkout, 'node_modules'), { recursive: true });
  lock('node_modules/.package-lock.json', packages);
}

function lock(path: string, packages: Record<string, object>): void {
  write(path, { lockfileVersion: 3, packages: { '': {}, ...packages } });
}

function write(path: string, value: object): void {
  mkdirSync(join(checkout, path, '..'), { recursive: true });
  writeFileSync(join(checkout, path), JSON.stringify(value));
}
