/**
 * Evidence for lab 04: three more namespaces that are not the host's, the number that the process
 * has in its own, which processes its /proc lists, and what it calls its machine. A file of a proc
 * mount tells of the pid namespace that it was mounted in, whoever reads it; the host name tells of
 * the reader, who therefore has to join.
 * proc_pid_ns(5), proc_pid_status(5), pid_namespaces(7), uts_namespaces(7)
 */
import { existsSync, readdirSync } from 'node:fs';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { mountAt, readMountinfo } from '../../lib/observe/mountinfo.ts';
import { NAMESPACE_FILES, namespaceInode } from '../../lib/observe/namespaces.ts';
import { readStatus } from '../../lib/observe/process.ts';

const CLONE_NAMES = { pid: 'CLONE_NEWPID', uts: 'CLONE_NEWUTS', ipc: 'CLONE_NEWIPC' } as const;

const HOSTNAME = 'a-name-nobody-has';

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  const host = subject.host.pid;
  await using box = await subject.start({ argv: ['/bin/sleep', '60'], hostname: HOSTNAME });
  for (const kind of ['pid', 'uts', 'ipc'] as const) yield ownNamespace(kind, box.pid, host);
  yield firstProcess(box.pid);
  yield* ownProc(box.pid);
  yield await hostname(subject, box);
}

function ownNamespace(kind: keyof typeof CLONE_NAMES, pid: number, host: number): Finding {
  const [own, theirs] = [namespaceInode(pid, kind), namespaceInode(host, kind)];
  const file = NAMESPACE_FILES[kind];
  return judge(`its ${kind} namespace is not the host’s`, own !== theirs, {
    expected: `not ${file}:[${theirs}]`,
    seen: `${file}:[${own}]`,
    where: `/proc/${pid}/ns/${file} and /proc/${host}/ns/${file}`,
    hint: `the process was cloned without ${CLONE_NAMES[kind]}`,
  });
}

function firstProcess(pid: number): Finding {
  const { nsPid } = readStatus(pid);
  const joined = nsPid.length > 1;
  return compare('it has a second number, and in its own namespace that is 1', {
    expected: `${pid} 1`,
    seen: nsPid.join(' '),
    where: `NSpid in /proc/${pid}/status`,
    hint: joined
      ? 'another process was first in the namespace, and is its init'
      : 'it has one number, the host’s: it lives in no pid namespace of its own',
  });
}

function* ownProc(pid: number): Generator<Finding> {
  const directory = `/proc/${pid}/root/proc`;
  const mount = mountAt(readMountinfo(pid), '/proc');
  const listed = existsSync(directory)
    ? readdirSync(directory).filter((name) => /^\d+$/.test(name))
    : [];
  yield compare('its /proc lists its own process and no other', {
    expected: '1',
    seen: listed.length > 5 ? `${listed.length} processes` : listed.join(' ') || 'no process',
    where: `ls ${directory}`,
    hint:
      mount?.fstype === 'proc'
        ? 'this proc is the host’s: it has to be mounted by a process of the new pid namespace'
        : 'nothing is mounted on /proc: mount(2) a proc there',
  });
  const options = mount?.options.filter((option) => /^no(suid|dev|exec)$/.test(option)) ?? [];
  yield compare('nothing below its /proc counts as a program or a device', {
    expected: 'proc nosuid nodev noexec',
    seen: mount ? [mount.fstype, ...options].join(' ') : 'nothing mounted on /proc',
    where: `/proc/${pid}/mountinfo`,
    hint: 'the flags are MS_NOSUID, MS_NODEV and MS_NOEXEC',
  });
}

async function hostname({ host }: Subject, { pid }: Running): Promise<Finding> {
  const uts = `/proc/${pid}/ns/uts`;
  const name = '/proc/sys/kernel/hostname';
  const seen = (await host.run(['nsenter', `--uts=${uts}`, 'cat', name])).trim();
  return compare('its machine has the name that was asked for', {
    expected: HOSTNAME,
    seen,
    where: `nsenter --uts=${uts} cat ${name}`,
    hint: 'a new uts namespace begins with a copy of the name: sethostname(2) changes it',
  });
}
