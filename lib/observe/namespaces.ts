/**
 * A namespace has no name, only an inode in nsfs; two processes share a namespace when their links
 * under /proc/PID/ns show the same one. The kit calls the kinds as the OCI runtime specification
 * does, the kernel's file names are slightly other ones.
 *
 * namespaces(7), proc_pid_ns(5), OCI runtime-spec config-linux.md "Namespaces"
 */
import type { Namespace } from '../kernel/namespaces.ts';
import { orNull, type ProcId, readProcLink } from './proc-file.ts';

export type { Namespace };

/** The file in /proc/PID/ns for each kind. */
export const NAMESPACE_FILES: Readonly<Record<Namespace, string>> = {
  mount: 'mnt',
  pid: 'pid',
  uts: 'uts',
  ipc: 'ipc',
  network: 'net',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};

export const NAMESPACES = Object.keys(NAMESPACE_FILES) as Namespace[];

/**
 * The text of each link, such as `mnt:[4026531841]`; null where it cannot be read, because the
 * process has ended, is not ours to look at, or the kernel has no namespaces of that kind.
 */
export function readNamespaces(pid: ProcId): Record<Namespace, string | null> {
  const links = NAMESPACES.map((kind) => [kind, orNull(() => readProcLink(linkOf(pid, kind)))]);
  return Object.fromEntries(links) as Record<Namespace, string | null>;
}

/** The inode number of one namespace, in decimal. Throws ObserveError when it cannot be read. */
export function namespaceInode(pid: ProcId, kind: Namespace): string {
  return readProcLink(linkOf(pid, kind)).replace(/^.*\[(\d+)\]$/, '$1');
}

function linkOf(pid: ProcId, kind: Namespace): string {
  return `/proc/${pid}/ns/${NAMESPACE_FILES[kind]}`;
}
