import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { readStat } from '../observe/process.ts';
import { ownCgroup, sleeperIn } from './cgroups.fixture.ts';
import { endProcesses } from './end-processes.ts';
import { killCgroups, removeCgroups } from './remove-cgroups.ts';

const members = (path: string) => readFileSync(join(path, 'cgroup.procs'), 'utf8');

async function frozen(path: string, file: string, text: string, pid: number): Promise<void> {
  writeFileSync(join(path, file), text);
  // Version 1 shows a frozen process as one that waits for a device.
  while (file === 'freezer.state' && readStat(pid).state !== 'D') await setTimeout(1);
}

itNeeds(['root', 'v1:pids'], 'what is in a version 1 cgroup and below is ended', async () => {
  await using group = ownCgroup('pids');
  const inner = join(group.path, 'a/b');
  mkdirSync(inner, { recursive: true });
  const sleepers = [await sleeperIn(group.path), await sleeperIn(inner)];
  await killCgroups([group.path]);
  expect(await Promise.all(sleepers.map(({ exited }) => exited))).toEqual(['SIGKILL', 'SIGKILL']);
  expect(members(group.path) + members(inner)).toBe('');
  expect(existsSync(inner)).toBe(true);
});

itNeeds(['root', 'v1:freezer'], 'a frozen version 1 cgroup is ended as well', async () => {
  await using group = ownCgroup('freezer');
  const inner = join(group.path, 'inner');
  mkdirSync(inner);
  const sleeper = await sleeperIn(inner);
  await frozen(inner, 'freezer.state', 'FROZEN', sleeper.pid);
  await killCgroups([group.path]);
  expect(await sleeper.exited).toBe('SIGKILL');
});

itNeeds(
  ['root', 'v1:freezer', 'v1:pids'],
  'one frozen elsewhere is, in whatever order',
  async () => {
    await using freezer = ownCgroup('freezer');
    await using pids = ownCgroup('pids');
    const sleeper = await sleeperIn(freezer.path, pids.path);
    await frozen(freezer.path, 'freezer.state', 'FROZEN', sleeper.pid);
    await removeCgroups([pids.path, freezer.path], []);
    expect(await sleeper.exited).toBe('SIGKILL');
    expect([pids.path, freezer.path].filter(existsSync)).toEqual([]);
  },
);

itNeeds(
  ['root', 'v1:freezer'],
  'processes found by their environment are thawed to die',
  async () => {
    await using group = ownCgroup('freezer');
    process.env.container = `frozen-${process.pid}`;
    const sleeper = await sleeperIn(group.path);
    delete process.env.container;
    await frozen(group.path, 'freezer.state', 'FROZEN', sleeper.pid);
    await endProcesses(`frozen-${process.pid}`);
    expect(await sleeper.exited).toBe('SIGKILL');
  },
);

/** From a pid namespace of its own, in which the members have no pid: they are listed as 0. */
const killFromInside = (path: string) => {
  const module = new URL('remove-cgroups.ts', import.meta.url);
  const script = `import { killCgroups } from '${module}'; await killCgroups(['${path}'])`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  return execa('unshare', ['--pid', '--fork', ...node], { reject: false });
};

itNeeds(
  ['root', 'cgroup-v2', 'unshare'],
  'the kernel ends those of version 2 that have no pid here, which no signal reaches',
  async () => {
    await using group = ownCgroup('v2');
    const sleeper = await sleeperIn(group.path);
    const { exitCode, stderr } = await killFromInside(group.path);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await sleeper.exited).toBe('SIGKILL');
  },
);

itNeeds(['root', 'cgroup-v2'], 'what is in a version 2 cgroup, frozen, is ended', async () => {
  await using group = ownCgroup('v2');
  const inner = join(group.path, 'inner');
  mkdirSync(inner);
  const sleeper = await sleeperIn(inner);
  await frozen(group.path, 'cgroup.freeze', '1', sleeper.pid);
  await killCgroups([group.path]);
  expect(await sleeper.exited).toBe('SIGKILL');
});

itNeeds(
  ['root', 'cgroup-v2'],
  'a tree is removed with all in it, its parent when empty',
  async () => {
    await using group = ownCgroup('v2');
    const [one, two] = [join(group.path, 'one'), join(group.path, 'two')];
    mkdirSync(join(one, 'x/y'), { recursive: true });
    mkdirSync(join(two, 'x'), { recursive: true });
    const sleeper = await sleeperIn(join(one, 'x/y'));
    await removeCgroups([one, join(group.path, 'never')], [group.path]);
    expect(await sleeper.exited).toBe('SIGKILL');
    expect([one, two, group.path].map((path) => existsSync(path))).toEqual([false, true, true]);
    await removeCgroups([two], [group.path]);
    expect(existsSync(group.path)).toBe(false);
  },
);

itNeeds(['root', 'cgroup-v2'], 'this process is never among those ended', async () => {
  await using group = ownCgroup('v2');
  const own = join(group.path, '../cgroup.procs');
  writeFileSync(join(group.path, 'cgroup.procs'), String(process.pid));
  try {
    await expect(killCgroups([group.path])).rejects.toThrow('this process is itself in');
  } finally {
    writeFileSync(own, String(process.pid));
  }
});

itNeeds(['linux'], 'a directory that is no cgroup is left alone', async () => {
  const path = mkdtempSync(join(tmpdir(), 'unboxed-no-cgroup-'));
  writeFileSync(join(path, 'cgroup.procs'), `${process.pid}\n`);
  await removeCgroups([path], []);
  expect(existsSync(path)).toBe(true);
  rmSync(path, { recursive: true });
});
