import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { Arch, CloneArgs, Driver, Line, Outcome } from './driver.ts';
import { assemble, BUFFER, buildDriver, findEmulator, findTool, runList } from './driver.ts';
import { EXIT_STOPPED, FORK, MAY_FAIL, MIN1, RUNNING, STUB, UNTOUCHED } from './stub.ts';

const AT_FDCWD = -100; // <fcntl.h>
const SEEK_SET = 0;
const PROT_READ = 1; // <sys/mman.h>
const MAP_PRIVATE = 2;
const CLONE_VM = 0x100n; // <sched.h>
const CLONE_SIGHAND = 0x800n;
const CLONE_VFORK = 0x4000n;
const SIGCHLD = 17n;
const ENOENT = -2n;
const EINVAL = -22n;

const directory = mkdtempSync(join(tmpdir(), 'unboxed-stub-'));
const file = join(directory, 'two-pages');
const empty = join(directory, 'empty');

beforeAll(() => {
  writeFileSync(file, `first${' '.repeat(4091)}second`);
  writeFileSync(empty, '');
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each<Arch>(['x64', 'arm64'])('the stub for %s', (arch) => {
  it('has the bytes that its source assembles to', (context) => {
    skipWithout(context, arch, ['as', 'objcopy']);
    const source = assemble(arch, directory).toString('hex');
    expect(Buffer.from(STUB[arch]).toString('hex')).toBe(source);
  });

  const run = listRunner(arch);

  it('clones with clone3', (context) => {
    if (run(context, []).clonedBy === 'clone') {
      context.skip('clone3 is ENOSYS here: clone, put in its place, starts the lists below');
    }
  });

  it('hands the parent the pid of its child', (context) => {
    const { launch, results } = run(context, [['getpid', []]]);
    expect(launch).toBeGreaterThan(1);
    expect(results).toEqual([BigInt(launch)]);
  });

  it('hands the parent the errno when there is no child', (context) => {
    const { launch, results } = run(context, [['getpid', []]], { flags: CLONE_SIGHAND });
    expect({ launch, results }).toEqual({ launch: Number(EINVAL), results: [UNTOUCHED] });
  });

  it('needs no stack in the child: one that is not even mapped will do', (context) => {
    const lines: Line[] = [['write', [1, 'hello', 5]]];
    const nowhere = { stack: 0x2000000000n, stackSize: 4096n };
    const ran = run(context, lines, { flags: CLONE_VM | CLONE_VFORK, ...nowhere });
    expect(ran).toMatchObject({ status: 0, stdout: 'hello', results: [5n] });
  });

  it('makes the calls in their order and leaves by the exit of the list', (context) => {
    const lines: Line[] = [
      ['write', [1, 'one ', 4]],
      ['write', [1, 'two', 3]],
      ['exit_group', [7]],
      ['write', [1, 'three', 5]],
    ];
    const results = [4n, 3n, RUNNING, UNTOUCHED];
    expect(run(context, lines)).toMatchObject({ status: 7, stdout: 'one two', results });
  });

  it('exits with 0 at the end of the list', (context) => {
    expect(run(context, [])).toMatchObject({ status: 0, stdout: '' });
  });

  it('takes the result of an earlier call as an argument', (context) => {
    const lines: Line[] = [
      ['openat', [AT_FDCWD, file, 0]],
      ['read', [{ resultOf: 0 }, BUFFER, 5]],
      ['write', [1, BUFFER, { resultOf: 1 }]],
    ];
    expect(run(context, lines)).toMatchObject({ status: 0, stdout: 'first' });
  });

  it.for([
    ['as they are', []],
    ['from where they point', [0, 1, 2, 3, 4, 5]],
    ['the even ones from where they point', [0, 2, 4]],
    ['the odd ones from where they point', [1, 3, 5]],
  ] as [string, number[]][])('passes six arguments, %s', ([, loaded], context) => {
    const hint = 0x1100000000n;
    const args = [hint, 4096, PROT_READ, MAP_PRIVATE, 100, 4096];
    const lines: Line[] = [
      ['openat', [AT_FDCWD, file, 0]],
      ['dup3', [{ resultOf: 0 }, 100, 0]],
      ['mmap', args.map((value, index) => (loaded.includes(index) ? { load: value } : value))],
      ['write', [1, { resultOf: 2 }, 6]],
    ];
    const { status, stdout, results } = run(context, lines);
    const address = results[2];
    expect({ status, stdout, address }).toEqual({ status: 0, stdout: 'second', address: hint });
  });

  it('stops with 127 at a failure, and never reaches the next call', (context) => {
    const lines: Line[] = [
      ['chdir', ['/no such directory']],
      ['write', [1, 'on', 2]],
    ];
    const results = [ENOENT, UNTOUCHED];
    expect(run(context, lines)).toMatchObject({ status: EXIT_STOPPED, stdout: '', results });
  });

  it('goes on after a failure that MAY_FAIL allows', (context) => {
    const lines: Line[] = [
      ['chdir', ['/no such directory'], MAY_FAIL],
      ['write', [1, 'on', 2]],
    ];
    expect(run(context, lines)).toMatchObject({ status: 0, stdout: 'on', results: [ENOENT, 2n] });
  });

  it('what if a good result looks negative? An offset of 2^63 is no errno', (context) => {
    const lines: Line[] = [
      ['openat', [AT_FDCWD, '/proc/self/mem', 0]],
      ['lseek', [{ resultOf: 0 }, 1n << 63n, SEEK_SET]],
      ['write', [1, 'on', 2]],
    ];
    const { status, stdout, results } = run(context, lines);
    expect({ status, stdout, offset: results[1] }).toEqual({
      status: 0,
      stdout: 'on',
      offset: -(1n << 63n),
    });
  });

  it('stops at end of file where MIN1 wants a byte, MAY_FAIL or not', (context) => {
    for (const flags of [MIN1, MIN1 | MAY_FAIL]) {
      const lines: Line[] = [
        ['openat', [AT_FDCWD, empty, 0]],
        ['read', [{ resultOf: 0 }, BUFFER, 1], flags],
        ['write', [1, 'on', 2]],
      ];
      const { status, stdout, results } = run(context, lines);
      expect({ status, stdout }).toEqual({ status: EXIT_STOPPED, stdout: '' });
      expect(results.slice(1)).toEqual([0n, UNTOUCHED]);
    }
  });

  it('goes on when MIN1 gets its byte, and at end of file without MIN1', (context) => {
    const lines: Line[] = [
      ['openat', [AT_FDCWD, file, 0]],
      ['read', [{ resultOf: 0 }, BUFFER, 1], MIN1],
      ['openat', [AT_FDCWD, empty, 0]],
      ['read', [{ resultOf: 2 }, BUFFER, 1]],
      ['write', [1, 'on', 2]],
    ];
    expect(run(context, lines)).toMatchObject({ status: 0, stdout: 'on' });
  });

  it('stops at a failure with MIN1, even one that MAY_FAIL allows', (context) => {
    const lines: Line[] = [['chdir', ['/no such directory'], MIN1 | MAY_FAIL]];
    const results = [ENOENT];
    expect(run(context, lines)).toMatchObject({ status: EXIT_STOPPED, results });
  });

  it.for([
    ['a copy of the memory', SIGCHLD, FORK],
    ['a copy of the memory, where a failure was allowed', SIGCHLD, FORK | MAY_FAIL],
    ['the stack of a parent that waits', CLONE_VM | CLONE_VFORK | SIGCHLD, FORK],
  ] as const)('goes on in the child of a FORK record alone, with %s', (row, context) => {
    const [, cloneFlags, flags] = row;
    const lines: Line[] = [
      ['getpid', []],
      ['write', [1, '>', 1], MIN1 | MAY_FAIL],
      ['clone', [cloneFlags, 0, 0, 0, 0], flags],
      ['getpid', []],
      ['write', [1, 'child', 5]],
      ['exit_group', [9]],
    ];
    const { status, stdout, results } = run(context, lines);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '>child' });
    expect(results[2]).toBe(results[3]);
    expect(results[2]).not.toBe(results[0]);
    expect(results[5]).toBe(RUNNING);
  });

  it('stops when a FORK record cannot clone', (context) => {
    const lines: Line[] = [
      ['clone', [CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0], FORK],
      ['write', [1, 'on', 2]],
    ];
    const results = [EINVAL, UNTOUCHED];
    expect(run(context, lines)).toMatchObject({ status: EXIT_STOPPED, stdout: '', results });
  });

  it('goes on without a child when a FORK record may fail and does', (context) => {
    const lines: Line[] = [
      ['clone', [CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0], FORK | MAY_FAIL],
      ['write', [1, 'on', 2]],
      ['exit_group', [9]],
    ];
    expect(run(context, lines)).toMatchObject({
      status: 9,
      stdout: 'on',
      results: [EINVAL, 2n, RUNNING],
    });
  });
});

/** Runs lists with a driver that is built when the first of them wants it. */
function listRunner(arch: Arch) {
  let driver: Driver | undefined;
  return (context: TestContext, lines: Line[], cloneArgs?: CloneArgs): Outcome => {
    skipWithout(context, arch, ['gcc']);
    if (process.platform !== 'linux') context.skip('the stub makes system calls of Linux');
    if (arch !== process.arch && findEmulator(arch) === null) {
      context.skip(`this machine is ${process.arch} and has no qemu-user for ${arch}`);
    }
    driver ??= buildDriver(arch, directory);
    return runList(driver, lines, cloneArgs);
  };
}

function skipWithout(context: TestContext, arch: Arch, tools: string[]): void {
  const missing = tools.filter((tool) => findTool(arch, tool) === null);
  if (missing.length > 0) context.skip(`not installed for ${arch}: ${missing.join(', ')}`);
}
