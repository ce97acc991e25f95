import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { itNeeds } from '../it-needs.ts';
import { parseMountinfo, readMountinfo } from '../mountinfo.ts';
import { readFileSystems } from './filesystems.ts';

/** A root, /proc and /tmp as some other host might have them. */
const STRICT = parseMountinfo(
  [
    '20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '21 20 0:21 / /proc rw - proc proc rw,hidepid=invisible',
    '22 21 0:22 / /proc/kcore rw - tmpfs tmpfs rw',
    '23 21 0:23 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw',
    '24 20 0:24 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw',
  ].join('\n'),
);

itNeeds(['findmnt', 'command:df'], 'agrees with findmnt and df on a directory to be made', () => {
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n').at(-1)?.trim();
  const { state, rootType } = readFileSystems(readMountinfo(), '/var/lib/no/such/directory/yet');
  expect(rootType).toBe(run('findmnt', '-no', 'FSTYPE', '/'));
  expect(state.fstype).toBe(run('findmnt', '-no', 'FSTYPE', '-T', '/var/lib'));
  const free = Number(run('df', '-B1', '--output=avail', '/var/lib'));
  expect(Math.abs(state.freeBytes - free)).toBeLessThan(2 ** 30); // others write meanwhile
});

it('sees the options of the mount that a directory lies on', () => {
  const { state, temporary } = readFileSystems(STRICT, '/tmp/state/to/be');
  expect(state).toMatchObject({ fstype: 'tmpfs', noexec: true, nodev: true });
  expect(temporary).toMatchObject({ fstype: 'tmpfs', noexec: true });
  expect(readFileSystems(STRICT, '/var').state).toMatchObject({ fstype: 'ext4', noexec: false });
});

it('sees what hides processes and covers parts of /proc, but for an automount', () => {
  expect(readFileSystems(STRICT, '/')).toMatchObject({
    rootPropagation: 'shared:1',
    hidepid: 'invisible',
    coveredProc: ['/proc/kcore'],
  });
});

it('knows a chroot by its root that is no mount', () => {
  expect(readFileSystems(STRICT.slice(1), '/').rootType).toBeNull();
});
