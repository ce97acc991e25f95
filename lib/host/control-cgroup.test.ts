import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { ownCgroup, sleeperIn } from './cgroups.fixture.ts';
import { disableControllers, moveProcesses } from './control-cgroup.ts';

const read = (...path: string[]) => readFileSync(join(...path), 'utf8').trim();

itNeeds(['root', 'cgroup-v2'], 'all processes go from one cgroup to another', async () => {
  await using group = ownCgroup('v2');
  const room = join(group.path, 'room');
  mkdirSync(room);
  const sleepers = [await sleeperIn(group.path), await sleeperIn(group.path)];
  moveProcesses(group.path, room);
  expect(read(group.path, 'cgroup.procs')).toBe('');
  const pids = sleepers.map(({ pid }) => String(pid));
  expect(read(room, 'cgroup.procs').split('\n').sort()).toEqual(pids.sort());
  moveProcesses(join(group.path, 'gone'), room);
});

itNeeds(['root', 'v2:hugetlb'], 'a controller goes when nobody below needs it', async () => {
  await using group = ownCgroup('v2');
  const control = (...path: string[]) => join(group.path, ...path, 'cgroup.subtree_control');
  const top = join(group.path, '../cgroup.subtree_control');
  const before = readFileSync(top, 'utf8');
  writeFileSync(top, '+hugetlb');
  mkdirSync(join(group.path, 'inner'));
  writeFileSync(control(), '+hugetlb');
  writeFileSync(control('inner'), '+hugetlb');
  disableControllers(group.path, ['hugetlb']);
  expect(read(control())).toBe('hugetlb');
  disableControllers(join(group.path, 'inner'), ['hugetlb']);
  disableControllers(group.path, ['hugetlb']);
  expect(read(control())).toBe('');
  disableControllers(join(group.path, 'gone'), ['hugetlb']);
  if (!before.includes('hugetlb')) disableControllers(join(group.path, '..'), ['hugetlb']);
});
