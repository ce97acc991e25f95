/**
 * The eight kinds of namespace: the name that the OCI runtime specification gives each, the flag
 * that clone(2), unshare(2) and setns(2) know it by, and its file under /proc/PID/ns.
 * namespaces(7)
 */
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from './constants.ts';

export type Namespace = 'mount' | 'pid' | 'uts' | 'ipc' | 'network' | 'user' | 'cgroup' | 'time';

export const CLONE_FLAG: Record<Namespace, number> = {
  mount: CLONE_NEWNS,
  pid: CLONE_NEWPID,
  uts: CLONE_NEWUTS,
  ipc: CLONE_NEWIPC,
  network: CLONE_NEWNET,
  user: CLONE_NEWUSER,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
};

/** The CLONE_NEW* flags of a list of namespaces, or-ed together. */
export function cloneFlags(namespaces: readonly Namespace[]): number {
  return namespaces.reduce((flags, namespace) => (flags | CLONE_FLAG[namespace]) >>> 0, 0);
}
