/**
 * Evidence for lab 02: a mount table that is not the host's, what is in it, and that nothing of it
 * is in the host's. A process's mountinfo lists what lies below its root, named from there.
 * proc_pid_mountinfo(5), mount_namespaces(7)
 */
import { statSync } from 'node:fs';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { LabHost, Subject } from '../../lib/lab/subject.ts';
import { type Mount, mountAt, parseMountinfo, readMountinfo } from '../../lib/observe/mountinfo.ts';
import { namespaceInode } from '../../lib/observe/namespaces.ts';
import { readRoot } from '../../lib/observe/process.ts';

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  await using box = await subject.start({ argv: ['/bin/sleep', '60'] });
  const host = subject.host.pid;
  yield ownTable(box.pid, host);
  yield* temporary(box.pid);
  yield nothingLeaks(subject);
  yield await noPeers(box.pid, subject.host);
}

function ownTable(pid: number, host: number): Finding {
  const [own, theirs] = [namespaceInode(pid, 'mount'), namespaceInode(host, 'mount')];
  return judge('its mount namespace is not the host’s', own !== theirs, {
    expected: `not mnt:[${theirs}]`,
    seen: `mnt:[${own}]`,
    where: `/proc/${pid}/ns/mnt and /proc/${host}/ns/mnt`,
    hint: 'the process was cloned without CLONE_NEWNS',
  });
}

function* temporary(pid: number): Generator<Finding> {
  const mount = mountAt(readMountinfo(pid), '/tmp');
  const where = `/proc/${pid}/mountinfo`;
  const options = mount?.options.filter((option) => /^no(suid|dev)$/.test(option)) ?? [];
  yield compare('its /tmp is a tmpfs without set-user-ID programs and devices', {
    expected: 'tmpfs nosuid nodev',
    seen: mount ? [mount.fstype, ...options].join(' ') : 'nothing mounted on /tmp',
    where,
    hint: mount
      ? 'the flags are MS_NOSUID and MS_NODEV'
      : 'mount(2) a tmpfs on /tmp, after the root has changed',
  });
  yield compare('everybody may write to it, and remove what is his own', {
    expected: '1777',
    seen: (statSync(`/proc/${pid}/root/tmp`).mode & 0o7777).toString(8),
    where: `stat /proc/${pid}/root/tmp`,
    hint: 'the tmpfs takes its mode as data: mode=1777',
  });
}

function nothingLeaks(subject: Subject): Finding {
  const pid = subject.host.pid;
  const leaked = readMountinfo(pid)
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => path.startsWith(`${subject.rootfs}/`));
  return compare('the host has nothing mounted below the container’s root', {
    expected: 'no such line',
    seen: leaked.join(' ') || 'no such line',
    where: `/proc/${pid}/mountinfo`,
    hint: 'the copied table is a peer of the host’s: make it private, all of it, before the first mount',
  });
}

/** Peer groups are numbered for the whole machine; members say `shared:N`. */
async function noPeers(pid: number, host: LabHost): Promise<Finding> {
  const groups = ({ optional }: Mount) => optional.filter((tag) => tag.startsWith('shared:'));
  const theirs = new Set(readMountinfo(host.pid).flatMap(groups));
  const mounts = await readWholeTable(pid, host);
  const peers = mounts.filter((mount) => groups(mount).some((group) => theirs.has(group)));
  const first = peers.slice(0, 3).map(({ mountPoint }) => mountPoint);
  return compare('none of its mounts is a peer of one of the host’s', {
    expected: '0 peers',
    seen: [`${peers.length} peers`, ...first].join(' '),
    where: `shared:N in the mount tables of ${pid} and ${host.pid}`,
    hint: 'what is mounted below a peer appears on the host: MS_REC takes the whole table out of its groups, not / alone',
  });
}

/** mountinfo stops at a process's root; who joins its namespace stands at the table's. */
async function readWholeTable(pid: number, host: LabHost): Promise<Mount[]> {
  if (readRoot(pid) === '/') return readMountinfo(pid);
  const join = ['nsenter', `--target=${pid}`, '--mount'];
  return parseMountinfo(await host.run([...join, 'cat', '/proc/self/mountinfo']));
}
