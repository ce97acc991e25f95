/** A cgroup from its making to its end, on the layouts that this machine has. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { cleanAll } from '../host/clean.ts';
import { detectCgroups, listCgroups } from '../observe/cgroups.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMembership } from '../observe/membership.ts';
import type { Need } from '../observe/needs.ts';
import { processesWithEnv, readStat } from '../observe/process.ts';
import { openBox, planFor } from './container.fixture.ts';
import { freezeCgroup, isFrozen, killCgroup, thawCgroup } from './freeze.ts';
import { isPopulated, membersOf, threadsIn, untilEmpty } from './members.ts';
import { directoriesOf } from './plan.ts';
import { readStatistics } from './statistics.ts';

const LAYOUTS = [
  [1, 'v1:freezer'],
  [2, 'cgroup-v2'],
] as const satisfies [1 | 2, Need][];

const SLEEPERS = 'sleep 1000 & (sleep 1000 & sleep 1000) & exec sleep 1000';

describe.each(LAYOUTS)('a cgroup of version %i', (version, need) => {
  itNeeds(['root', need], 'holds what is started in it, in each hierarchy', async () => {
    await using box = await openBox(planFor(version));
    const { pid, kill, exited } = await box.start('exec sleep 1000');
    const where = readMembership(pid);
    kill();
    await exited;
    const expected = version === 1 ? Object.keys(box.plan.v1) : ['v2'];
    const inside = Object.keys(where).filter((key) => where[key]?.endsWith(`/${box.plan.id}`));
    expect(inside.sort()).toEqual(expected.sort());
    expect(expected).not.toHaveLength(0);
  });

  itNeeds(['root', need], 'lists its processes, and those of cgroups below it', async () => {
    await using box = await openBox(planFor(version, ['freezer']));
    expect(isPopulated(box.plan)).toBe(false);
    await untilEmpty(box.plan);
    const [directory = ''] = directoriesOf(box.plan);
    mkdirSync(join(directory, 'inner'));
    const { pid } = await box.start(`echo 0 > ${directory}/inner/cgroup.procs; exec sleep 1000`);
    while (!readMembershipPath(pid, version).endsWith('/inner')) await setTimeout(5);
    expect(membersOf(box.plan)).toEqual([pid]);
    expect(isPopulated(box.plan)).toBe(true);
    expect(threadsIn(join(directory, 'inner'))).toEqual([pid]);
    await expect(untilEmpty(box.plan, 20)).rejects.toThrow(`still has ${pid} after 20 ms`);
  });

  itNeeds(['root', need], 'is killed as one, however many there are', async () => {
    await using box = await openBox(planFor(version));
    const child = await box.start(SLEEPERS);
    while (membersOf(box.plan).length < 4) await setTimeout(5);
    await killCgroup(box.plan);
    expect(membersOf(box.plan)).toEqual([]);
    expect(await child.exited).toEqual({ signal: 'SIGKILL' });
    await untilEmpty(box.plan);
  });

  itNeeds(['root', need], 'stops where it is, goes on, and dies frozen', async () => {
    await using box = await openBox(planFor(version));
    const child = await box.start('while :; do :; done');
    const ticks = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[13];
    await freezeCgroup(box.plan);
    expect(isFrozen(box.plan)).toBe(true);
    const before = ticks();
    await setTimeout(200);
    expect(ticks()).toBe(before);
    expect(readStat(child.pid).state).not.toBe('R');
    await thawCgroup(box.plan);
    while (ticks() === before) await setTimeout(5);
    await freezeCgroup(box.plan);
    await killCgroup(box.plan);
    expect(await child.exited).toEqual({ signal: 'SIGKILL' });
  });

  itNeeds(
    ['root', need],
    'is undone with all in it, frozen and nested, and leaves nothing',
    async () => {
      const before = listCgroups();
      const control = () => controlOf();
      const handedDown = control();
      const plan = planFor(version);
      {
        await using box = await openBox(plan);
        const child = await box.start(SLEEPERS);
        for (const directory of directoriesOf(plan))
          mkdirSync(join(directory, 'a/b'), { recursive: true });
        await freezeCgroup(plan);
        expect(directoriesOf(plan).every((path) => existsSync(path))).toBe(true);
        void child;
      }
      expect(listCgroups()).toEqual(before);
      expect(control()).toBe(handedDown);
    },
  );

  itNeeds(['root', need], 'shares its parent with others, which go with the last', async () => {
    const before = listCgroups();
    const one = await openBox(planFor(version));
    const two = await openBox(planFor(version));
    await one[Symbol.asyncDispose]();
    expect(directoriesOf(two.plan).every((path) => existsSync(path))).toBe(true);
    await two[Symbol.asyncDispose]();
    expect(listCgroups()).toEqual(before);
  });

  itNeeds(['root', need], 'counts processor time, also of what has ended', async () => {
    await using box = await openBox(planFor(version));
    await box.run('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done');
    const { cpu } = readStatistics(box.plan);
    expect(cpu?.usage).toBeGreaterThan(10_000);
  });
});

const readMembershipPath = (pid: number, version: 1 | 2) =>
  readMembership(pid)[version === 1 ? 'freezer' : 'v2'] ?? '';

function controlOf(): string {
  const { v2 } = detectCgroups();
  return v2 === null ? '' : readFileSync(join(v2, 'cgroup.subtree_control'), 'utf8');
}

itNeeds(
  ['root'],
  'what a killed run leaves frozen is found in its journal and removed',
  async () => {
    const before = listCgroups();
    const handedDown = controlOf();
    const state = mkdtempSync(join(tmpdir(), 'unboxed-killed-'));
    const run = `killed-${process.pid}`;
    const fixture = join(import.meta.dirname, 'killed-run.fixture.ts');
    const { signal, stderr } = spawnSync(process.execPath, [fixture, run, state], {
      encoding: 'utf8',
    });
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
    expect(listCgroups().length).toBeGreaterThan(before.length);
    const { failed, removed } = await cleanAll({ state });
    rmSync(state, { recursive: true, force: true });
    expect(failed).toEqual([]);
    expect(removed.map(({ name }) => name)).toContain(`cgroup ${run}`);
    expect(listCgroups()).toEqual(before);
    expect(controlOf()).toBe(handedDown);
    expect(processesWithEnv('container', run)).toEqual([]);
  },
);
