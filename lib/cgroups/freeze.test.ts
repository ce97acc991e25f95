/** A cgroup with a process that cannot be stopped, and one below another that is stopped. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import type { Need } from '../observe/needs.ts';
import { openBox, planFor } from './container.fixture.ts';
import { freezeCgroup, isFreezeAsked, isFrozen, thawCgroup } from './freeze.ts';
import { type CgroupPlan, directoriesOf } from './plan.ts';
import { type Stuck, startStuck } from './stuck.fixture.ts';

const LAYOUTS = [
  [1, 'v1:freezer', { file: 'freezer.state', freeze: 'FROZEN', thaw: 'THAWED' }],
  [2, 'cgroup-v2', { file: 'cgroup.freeze', freeze: '1', thaw: '0' }],
] as const satisfies [1 | 2, Need, { file: string; freeze: string; thaw: string }][];

const directoryOf = (plan: CgroupPlan) => directoriesOf(plan)[0] ?? '';

describe.each(LAYOUTS)('a cgroup of version %i', (version, need, { file, freeze, thaw }) => {
  /** Frozen it would not even hear that its file system has gone. */
  const hold = ({ pid }: Stuck, directory: string): Disposable => {
    writeFileSync(join(directory, 'cgroup.procs'), String(pid));
    return { [Symbol.dispose]: () => writeFileSync(join(directory, file), thaw) };
  };
  const read = (directory: string) => readFileSync(join(directory, file), 'utf8').trim();

  itNeeds(['root', need, 'fuse'], 'of which not all stops goes on', async () => {
    await using box = await openBox(planFor(version, ['freezer']));
    await using stuck = await startStuck();
    const directory = directoryOf(box.plan);
    using _ = hold(stuck, directory);
    await expect(freezeCgroup(box.plan, 100)).rejects.toThrow('not frozen');
    expect(read(directory)).toBe(thaw);
    expect(isFreezeAsked(box.plan)).toBe(false);
  });

  itNeeds(['root', need, 'fuse'], 'that is half stopped is known, and goes on', async () => {
    await using box = await openBox(planFor(version, ['freezer']));
    await using stuck = await startStuck();
    const directory = directoryOf(box.plan);
    using _ = hold(stuck, directory);
    writeFileSync(join(directory, file), freeze);
    expect([isFreezeAsked(box.plan), isFrozen(box.plan)]).toEqual([true, false]);
    await thawCgroup(box.plan);
    expect([isFreezeAsked(box.plan), read(directory)]).toEqual([false, thaw]);
  });

  itNeeds(['root', need], 'below one that is stopped has not been stopped itself', async () => {
    await using box = await openBox(planFor(version, ['freezer']));
    const below = { ...box.plan, ...inside(box.plan) };
    mkdirSync(directoryOf(below));
    try {
      await box.start(`echo 0 > ${directoryOf(below)}/cgroup.procs; exec sleep 1000`);
      await freezeCgroup(below);
      writeFileSync(join(directoryOf(box.plan), file), freeze);
      await expect.poll(() => isFrozen(box.plan)).toBe(true);
      // What holds it from above is not for it to wait for.
      await thawCgroup(below);
      expect([isFreezeAsked(below), isFrozen(below)]).toEqual([false, true]);
    } finally {
      writeFileSync(join(directoryOf(box.plan), file), thaw);
    }
  });
});

/** The same one level down. */
function inside({ v1, v2 }: CgroupPlan): Pick<CgroupPlan, 'v1' | 'v2'> {
  const down = Object.entries(v1).map(([name, path]) => [name, join(path, 'inside')]);
  return { v1: Object.fromEntries(down), v2: v2 && join(v2, 'inside') };
}
