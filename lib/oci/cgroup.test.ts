/** Where a container's cgroup is, as the kernel tells it of the container's process. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { detectSite } from '../cgroups/site.ts';
import { removeCgroups } from '../host/remove-cgroups.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMembership, V2 } from '../observe/membership.ts';
import { readStat } from '../observe/process.ts';
import { COMMAND_LINE, makeBundle } from './bundle.fixture.ts';
import type { Spec } from './spec.ts';

itNeeds(
  ['root', 'cgroup-v2'],
  'in version 2 it lies beside that of whoever makes it, which has processes, and not below',
  async () => {
    await using bundle = makeBundle();
    const { box, directory, id, root } = bundle;
    bundle.configure(({ process, linux }) => {
      process.args = ['sleep', '100'];
      delete (linux as { cgroupsPath?: string }).cgroupsPath;
    });
    const outer = join(detectSite(id).layout.v2 ?? '', id.replace('test', 'around'));
    const ours = join(outer, 'ours');
    mkdirSync(ours, { recursive: true });
    try {
      const create = [...COMMAND_LINE, '--root', root, 'create', '-b', directory, id];
      const script = 'echo 0 > "$0/cgroup.procs" && exec "$@"';
      // What it leaves running would hold a pipe open.
      const { status } = spawnSync('sh', ['-c', script, ours, ...create], { stdio: 'ignore' });
      expect(status).toBe(0);
      const { pid } = JSON.parse((await box('state', id)).stdout) as { pid: number };
      expect(readMembership(pid)[V2]).toBe(`/${id.replace('test', 'around')}/${id}`);
    } finally {
      await box('delete', '--force', id);
      for (const made of [ours, outer]) rmdirSync(made);
    }
  },
);

/** A directory of that name in every hierarchy; disposed, with all that is in it, it is gone. */
function madeByHand(name: string, inside: boolean): AsyncDisposable & { pid: number } {
  const { layout } = detectSite(name);
  const mounts = [...Object.values(layout.controllers).map(({ v1 }) => v1), layout.v2];
  const directories = [...new Set(mounts)].flatMap((at) => (at === null ? [] : [join(at, name)]));
  for (const directory of directories) {
    mkdirSync(directory);
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const own = join(directory, file);
      if (directory.includes('/cpuset/'))
        writeFileSync(own, readFileSync(join(directory, '..', file)));
    }
  }
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  if (inside) for (const at of directories) writeFileSync(join(at, 'cgroup.procs'), String(pid));
  return {
    pid,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await removeCgroups(directories, []);
    },
  };
}

itNeeds(['root'], 'one that somebody is in is refused, and nothing happens to him', async () => {
  for (const args of [['true'], ['/nope']]) {
    await using bundle = makeBundle();
    const name = bundle.id.replace('test', 'taken');
    await using theirs = madeByHand(name, true);
    const { status, stderr } = await bundle.run('true', ({ process, linux }) => {
      process.args = args;
      linux.cgroupsPath = `/${name}`;
    });
    expect(stderr).toMatch(new RegExp(`cgroup /.*${name} is not empty .* has 1 processes in it`));
    expect(status).toBe(1);
    await bundle.box('delete', '--force', bundle.id);
    expect(isRunning(theirs.pid)).toBe(true);
  }
});

itNeeds(['root'], 'another container of the same name elsewhere keeps its own', async () => {
  await using one = makeBundle();
  const path = `/${one.id.replace('test', 'same')}`;
  const sleeps = ({ process, linux }: Required<Spec>) => {
    process.args = ['sleep', '1000'];
    linux.cgroupsPath = path;
  };
  one.configure(sleeps);
  expect((await one.box('run', '-d', '-b', one.directory, one.id)).status).toBe(0);
  await using other = makeBundle();
  other.configure(sleeps);
  const second = await other.box('run', '-d', '-b', other.directory, other.id);
  expect(second.stderr).toMatch(/not empty/);
  await other.box('delete', '--force', other.id);
  expect(JSON.parse((await one.box('state', one.id)).stdout)).toMatchObject({ status: 'running' });
});

itNeeds(['root'], 'one that is there and empty is used, and stays', async () => {
  await using bundle = makeBundle();
  const name = bundle.id.replace('test', 'empty');
  await using _ = madeByHand(name, false);
  const { stdout, status } = await bundle.run('cat /proc/self/cgroup', ({ linux }) => {
    linux.cgroupsPath = `/${name}`;
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'cgroup') ?? [];
  });
  expect([status, stdout]).toEqual([0, expect.stringContaining(`/${name}`)]);
  const { controllers, v2 } = detectSite(name).layout;
  const pids = controllers.pids?.v1 ?? v2 ?? '';
  expect(existsSync(join(pids, name))).toBe(true);
});

function isRunning(pid: number): boolean {
  return readStat(pid).state !== 'Z';
}
