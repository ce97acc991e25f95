import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { hierarchy, ownCgroup, sleeperIn } from './cgroups.fixture.ts';
import { handDown, moveProcesses, takeBack } from './control-cgroup.ts';

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

const control = (path: string) => read(path, 'cgroup.subtree_control').split(' ').filter(Boolean);

itNeeds(['root', 'v2:hugetlb'], 'controllers go down, and back with the last user', async () => {
  await using group = ownCgroup('v2');
  const top = hierarchy('v2');
  const before = control(top);
  const base = group.path;
  mkdirSync(join(base, 'one'));
  handDown(top, base, ['hugetlb']);
  mkdirSync(join(base, 'two'));
  handDown(top, base, ['hugetlb']);
  expect(control(top)).toContain('hugetlb');
  expect(control(base)).toEqual(['hugetlb']);
  rmdirSync(join(base, 'one'));
  takeBack(top, base);
  expect(control(base)).toEqual(['hugetlb']);
  rmdirSync(join(base, 'two'));
  takeBack(top, base);
  expect(existsSync(base)).toBe(false);
  expect(control(top)).toEqual(before);
  takeBack(top, base);
});

itNeeds(['root', 'v2:hugetlb'], 'a controller that went down before stays', async () => {
  await using group = ownCgroup('v2');
  const base = join(group.path, 'base');
  const top = hierarchy('v2');
  mkdirSync(base);
  handDown(top, group.path, ['hugetlb']);
  handDown(group.path, base, ['hugetlb']);
  takeBack(group.path, base);
  expect(control(group.path)).toEqual(['hugetlb']);
  takeBack(top, group.path);
});
