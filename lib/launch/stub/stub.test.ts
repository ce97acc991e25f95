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
    skipWithout(context, arch, ['as', 'objcopy', 'nm']);
    const source = assemble(arch, directory);
    expect(Buffer.from(STUB[arch]).toString('hex')).toBe(source.bytes.toString('hex'));
    expect(source.walkOffset).toBeGreaterThan(0);
  });

  const run = listRunner(arch);

  it('hands the parent the pid of the child that clone3 made', (context) => {
    const { launch, walked, results } = run(context, [['getpid', []]]);
    if (walked) context.skip('clone3 is ENOSYS here: the lists were entered at `walk`, after fork');
    expect(launch).toBeGreaterThan(1);
    expect(results).toEqual([BigInt(launch)]);
  });

  it('hands the parent the errno when clone3 fails, and runs nothing', (context) => {
    const { launch, walked, results } = run(context, [['getpid', []]], { flags: CLONE_SIGHAND });
    if (walked) context.skip('clone3 is ENOSYS here, whatever its arguments');
    expect(launch).toBe(Number(EINVAL));
    expect(results).toEqual([UNTOUCHED]);
  });

  it('needs no stack in the child: one that is not even mapped will do', (context) => {
    const lines: Line[] = [['write', [1, 'hello', 5]]];
    const nowhere = { stack: 0x2000000000n, stackSize: 4096n };
    const ran = run(context, lines, { flags: CLONE_VM | CLONE_VFORK, ...nowhere });
    if (ran.walked) context.skip('clone3 is ENOSYS here: no child with a stack of its own');
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

  it('passes six arguments, as they are or from where they point', (context) => {
    const hint = 0x1100000000n;
    const lines: Line[] = [
      ['openat', [AT_FDCWD, file, 0]],
      ['dup3', [{ resultOf: 0 }, 100, 0]],
      ['mmap', [hint, 4096, PROT_READ, MAP_PRIVATE, 100, 4096]],
      ['write', [1, { resultOf: 2 }, 6]],
      ['mmap', [hint * 2n, 4096, PROT_READ, MAP_PRIVATE, 100, 0].map((load) => ({ load }))],
      ['write', [1, { resultOf: 4 }, 5]],
    ];
    const { status, stdout, results } = run(context, lines);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'secondfirst' });
    expect([results[2], results[4]]).toEqual([hint, hint * 2n]);
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
    ['a copy of the memory', SIGCHLD],
    ['the memory and the stack of a parent that waits', CLONE_VM | CLONE_VFORK | SIGCHLD],
  ] as const)('goes on in the child of a FORK record, with %s', ([, flags], context) => {
    const lines: Line[] = [
      ['getpid', []],
      ['clone', [flags, 0, 0, 0, 0], FORK],
      ['getpid', []],
      ['write', [1, 'child', 5]],
      ['exit_group', [9]],
    ];
    const { status, stdout, results } = run(context, lines);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'child' });
    expect(results[1]).toBe(results[2]);
    expect(results[1]).not.toBe(results[0]);
    expect(results[4]).toBe(RUNNING);
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
    skipWithout(context, arch, ['gcc', 'as', 'objcopy', 'nm']);
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
