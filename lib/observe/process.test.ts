import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { itNeeds } from './it-needs.ts';
import {
  childrenOf,
  listPids,
  parseEnviron,
  processesWithEnv,
  readCmdline,
  readCwd,
  readEnviron,
  readFds,
  readRoot,
} from './process.ts';

const GONE = 2 ** 30;

/** A sleeping child with an odd command line and environment, while `prove` runs. */
async function withChild(prove: (pid: number) => void | Promise<void>): Promise<void> {
  const env = { MARK: `a=b\n${process.pid}`, EMPTY: '', __proto__NAME: 'x' };
  const child = spawn('/bin/sleep', ['60', '0'], { env, cwd: '/usr' });
  await once(child, 'spawn');
  try {
    await prove(child.pid ?? 0);
  } finally {
    child.kill();
  }
}

itNeeds(['linux'], 'command line, environment and directory are those of the start', () =>
  withChild(async (pid) => {
    await expect.poll(() => readCmdline(pid)).toEqual(['/bin/sleep', '60', '0']);
    const environ = readEnviron(pid);
    expect(environ).toEqual({ MARK: `a=b\n${process.pid}`, EMPTY: '', __proto__NAME: 'x' });
    expect(readCwd(pid)).toBe('/usr');
    expect(readRoot(pid)).toBe('/');
  }),
);

itNeeds(['linux'], 'empty arguments are arguments', async () => {
  const child = spawn('sh', ['-c', 'read _', '', ''], { stdio: ['pipe', 'ignore', 'ignore'] });
  await expect.poll(() => readCmdline(child.pid ?? 0)).toEqual(['sh', '-c', 'read _', '', '']);
  child.stdin.end();
});

itNeeds(['linux'], 'a process is found by its environment, by the whole value only', () =>
  withChild(async (pid) => {
    await expect.poll(() => processesWithEnv('MARK', `a=b\n${process.pid}`)).toEqual([pid]);
    expect(processesWithEnv('MARK', 'a=b')).toEqual([]);
    expect(processesWithEnv('toString', 'x')).toEqual([]);
  }),
);

it('the first of two entries with one name counts, and one without a name does not', () => {
  expect(parseEnviron('A=1\0A=2\0none\0B==\0')).toEqual({ A: '1', B: '=' });
});

itNeeds(['linux', 'ps'], 'children are those that ps lists under this parent', () =>
  withChild((pid) => {
    const ours = childrenOf(process.pid);
    expect(ours).toContain(pid);
    const args = ['-o', 'pid=,args=', '--ppid', String(process.pid)];
    const shown = execFileSync('ps', args, { encoding: 'utf8' }).trim().split('\n');
    const theirs = shown
      .filter((line) => !line.includes('ps -o'))
      .map((l) => Number.parseInt(l, 10));
    expect(ours).toEqual(theirs);
  }),
);

itNeeds(['linux'], 'descriptors show what they are open on', () => {
  const fd = openSync('/etc/passwd', 'r');
  expect(readFds('self')).toContainEqual({ fd, target: '/etc/passwd' });
  expect(readFds(process.pid)).toEqual(readFds('self'));
});

itNeeds(['linux'], 'this process is listed, and one that is not there is not', () => {
  expect(listPids()).toContain(process.pid);
  expect(listPids()).not.toContain(GONE);
});

it('a process that is gone is an error that names the file, or null for an environment', () => {
  expect(() => readCmdline(GONE)).toThrow(/\/proc\/1073741824\/cmdline: ENOENT/);
  expect(() => readFds(GONE)).toThrow(/\/proc\/1073741824\/fd: ENOENT/);
  expect(readEnviron(GONE)).toBeNull();
});
