/**
 * Evidence for lab 03: the root of the process is the root of its mount table, the table holds
 * nothing of the host's, and no way leads up or back from there. A mount is the host's when it
 * shows the same directory of the same file system as one in the host's table; ids do not tell,
 * for every copy of a mount has a new one.
 * pivot_root(2), mount_namespaces(7), proc_pid_mountinfo(5)
 */
import { realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { compare, type Finding } from '../../lib/lab/finding.ts';
import { preparedRoot } from '../../lib/lab/prepared-root.ts';
import type { LabHost, Subject } from '../../lib/lab/subject.ts';
import { type Mount, mountAt, readMountinfo } from '../../lib/observe/mountinfo.ts';
import { readRoot } from '../../lib/observe/process.ts';
import { parseOverlay } from '../../lib/overlay/mounted.ts';

const identity = (path: string) => {
  const { dev, ino } = statSync(path);
  return `device ${dev} inode ${ino}`;
};

const shows = ({ device, root }: Mount) => `${root} of ${device}`;

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  await using box = await subject.start({ argv: ['/bin/sleep', '60'] });
  const { host } = subject;
  const prepared = preparedRoot(subject, box);
  yield compare('its root is the root of its mount table', {
    expected: '/',
    seen: readRoot(box.pid),
    where: `readlink /proc/${box.pid}/root`,
    hint: 'the root is a directory somewhere below: chroot moves a process, pivot_root moves the mount',
  });
  yield rootMount(box.pid, subject);
  yield ownMountsOnly(box.pid, host);
  yield compare('nothing is above its root, and nothing lies on it', {
    expected: identity(prepared),
    seen: identity(`/proc/${box.pid}/root/..`),
    where: `stat -L /proc/${box.pid}/root/..`,
    hint: 'a walk to ".." leaves the root: it is no mount, or the old root still lies on it',
  });
  yield await arrival(box.pid, host, prepared);
}

function rootMount(pid: number, { rootfs, host }: Subject): Finding {
  const mount = mountAt(readMountinfo(pid), '/');
  const mounts = readMountinfo(host.pid);
  // An overlay shows nothing itself; its lowest layer is a directory of the host.
  const lowest = mount && parseOverlay(mount)?.lowers.at(-1);
  const shown = lowest === undefined ? mount && shows(mount) : whereabouts(lowest, mounts);
  return compare('the mount on / shows the prepared directory', {
    expected: whereabouts(realpathSync(rootfs), mounts),
    seen: shown ?? 'no mount on /',
    where: `/proc/${pid}/mountinfo`,
    hint: mount
      ? 'another mount than the container’s lies on /'
      : 'its root is no mount point: bind the directory to itself before pivot_root',
  });
}

/** The directory `path` as it would stand in a line of mountinfo, were it mounted somewhere. */
function whereabouts(path: string, mounts: Mount[]): string {
  let point = path;
  let mount = mountAt(mounts, point);
  while (!mount && point !== '/') {
    point = dirname(point);
    mount = mountAt(mounts, point);
  }
  return mount ? shows({ ...mount, root: join(mount.root, relative(point, path)) }) : 'nowhere';
}

function ownMountsOnly(pid: number, host: LabHost): Finding {
  const theirs = new Set(readMountinfo(host.pid).map(shows));
  const left = readMountinfo(pid).filter((mount) => theirs.has(shows(mount)));
  const first = left.slice(0, 3).map(({ mountPoint }) => mountPoint);
  return compare('none of the host’s mounts is in its table', {
    expected: '0 mounts of the host',
    seen: [`${left.length} mounts of the host`, ...first].join(' '),
    where: `/proc/${pid}/mountinfo and /proc/${host.pid}/mountinfo`,
    hint: 'the old root hangs in the table with all that is mounted below it: umount2 with MNT_DETACH takes the whole tree',
  });
}

/** setns(2) leads to the root of the table, wherever the process itself has been put. */
async function arrival(pid: number, host: LabHost, prepared: string): Promise<Finding> {
  const enter = ['nsenter', `--target=${pid}`, '--mount'];
  const seen = await host.run([...enter, 'stat', '-c', 'device %d inode %i', '/']);
  return compare('who joins its mount namespace arrives in the prepared directory', {
    expected: identity(prepared),
    seen: seen.trim(),
    where: `${enter.join(' ')} stat /`,
    hint: 'the root of the namespace is still the host’s, and a process inside can return to it',
  });
}
