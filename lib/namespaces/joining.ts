/**
 * Joining what a running process is in. setns(2) takes a pidfd and all kinds at once: the kernel
 * enters the user namespace first, because its capabilities decide about the others, and either
 * all of them or none. With a descriptor for each kind, opened by hand, that order is the caller's,
 * and every descriptor has to be open before the first setns: /proc is another one afterwards.
 *
 * - `joinFlags`: the second argument of setns(2), where that is safe.
 * - `differingNamespaces`: what there is to join.
 *
 * setns(2), pidfd_open(2), pid_namespaces(7)
 */
import { cloneFlags, type Namespace } from '../kernel/namespaces.ts';
import { NAMESPACES, readNamespaces } from '../observe/namespaces.ts';
import type { ProcId } from '../observe/proc-file.ts';
import { NamespacesError } from './namespaces-error.ts';

/**
 * The CLONE_NEW* flags with which setns(2) joins `namespaces` through a pidfd.
 *
 * Throws NamespacesError for none at all, where setns would be EINVAL, and for a pid namespace
 * without its mount namespace: the processes in there could see ours, and through /proc/PID/root
 * whatever it still has as its root.
 */
export function joinFlags(namespaces: readonly Namespace[]): number {
  if (namespaces.length === 0) {
    throw new NamespacesError('no namespace to join; name at least one');
  }
  if (namespaces.includes('pid') && !namespaces.includes('mount')) {
    throw new NamespacesError(
      'joining pid without mount shows our root to the container at /proc/PID/root; join mount too, or leave pid out',
    );
  }
  return cloneFlags(namespaces);
}

/**
 * The kinds in which `pid` is somewhere else than `from`. Kinds that the kernel does not have, or
 * does not show us, are left out. Throws nothing: of a process that is gone there are none.
 */
export function differingNamespaces(pid: ProcId, from: ProcId = 'self'): Namespace[] {
  const [theirs, ours] = [readNamespaces(pid), readNamespaces(from)];
  return NAMESPACES.filter((kind) => {
    const [there, here] = [theirs[kind], ours[kind]];
    return there !== null && here !== null && there !== here;
  });
}
