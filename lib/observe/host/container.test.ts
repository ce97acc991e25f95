import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { itNeeds } from '../it-needs.ts';
import { judgeContainer, type NamespaceLinks } from './container.ts';

const ATBOOT: NamespaceLinks = {
  mount: 'mnt:[4026531841]',
  pid: 'pid:[4026531836]',
  uts: 'uts:[4026531838]',
  ipc: 'ipc:[4026531839]',
  network: 'net:[4026531840]',
  user: 'user:[4026531837]',
  cgroup: 'cgroup:[4026531835]',
  time: 'time:[4026531834]',
};
const DOCKER: [string, string][] = [['/.dockerenv', 'docker']];

it('does not believe a marker where every namespace is the first of its kind', () => {
  expect(judgeContainer(DOCKER, ATBOOT, false)).toMatchObject({ inside: false, kept: 'docker' });
});

it('is inside where the pid namespace is another, marker or not', () => {
  const links = { ...ATBOOT, pid: 'pid:[4026532250]' };
  expect(judgeContainer(DOCKER, links, false)).toMatchObject({ inside: true, foreign: ['pid'] });
  expect(judgeContainer([], links, false)).toMatchObject({ inside: true, kept: null });
});

it('is inside where a container was given the pids of the host', () => {
  const links = { ...ATBOOT, uts: 'uts:[4026532248]' };
  expect(judgeContainer(DOCKER, links, false).inside).toBe(true);
  expect(judgeContainer([], links, false).inside).toBe(false);
});

it('takes neither a user namespace alone nor a WSL distribution for a container', () => {
  expect(judgeContainer(DOCKER, { ...ATBOOT, user: 'user:[4026532250]' }, false).inside).toBe(
    false,
  );
  expect(judgeContainer([], { ...ATBOOT, pid: 'pid:[4026532250]' }, true).inside).toBe(false);
});

it('counts namespaces that the kernel does not have, or does not show, for nothing', () => {
  expect(judgeContainer([], { ...ATBOOT, time: null, pid: null }, false).foreign).toEqual([]);
});

itNeeds(['root', 'unshare'], 'sees by the numbers that unshare has put a process elsewhere', () => {
  const inner = execFileSync(
    'unshare',
    ['-p', '-f', 'readlink', '/proc/self/ns/pid_for_children'],
    {
      encoding: 'utf8',
    },
  ).trim();
  expect(inner).not.toBe(readlinkSync('/proc/self/ns/pid'));
  expect(judgeContainer([], { ...ATBOOT, pid: inner }, false).inside).toBe(true);
});
