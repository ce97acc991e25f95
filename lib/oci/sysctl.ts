/**
 * Settings of the kernel that belong to a namespace: they are written from inside the container's,
 * before its root is in place, and whoever opens the file decides whose setting it is. All others are
 * the machine's, and are refused.
 *
 * sysctl(8), proc_sys(5), namespaces(7); OCI runtime-spec config-linux.md "Sysctl"
 */
import { statSync } from 'node:fs';
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants.ts';
import type { Draft } from './draft.ts';
import { OciError } from './oci-error.ts';
import type { NamespaceType, Spec } from './spec.ts';

/** Of System V IPC and POSIX message queues. */
const IPC: readonly string[] = [
  'kernel/auto_msgmni',
  'kernel/msg_next_id',
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/sem_next_id',
  'kernel/shm_next_id',
  'kernel/shm_rmid_forced',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
];

/** Writes a line to open, one to write and one to close for each. Throws OciError. */
export function writeSysctl({ call, spec }: Pick<Draft, 'call' | 'spec'>): void {
  for (const [name, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    const path = pathOf(name);
    assertNamespaced(name, path, spec);
    const file = call.openat(AT_FDCWD, `/proc/sys/${path}`, O_WRONLY | O_CLOEXEC);
    call.write(file, Buffer.from(value));
    call.close(file);
  }
}

/** As sysctl(8) reads names: the separator that comes first is the one, the other is its opposite. */
function pathOf(name: string): string {
  const dotted = /^[^/]*\./.test(name);
  const swap: Record<string, string> = { '.': '/', '/': '.' };
  const path = dotted ? name.replace(/[./]/g, (it) => swap[it] ?? it) : name;
  const parts = path.split('/');
  if (parts.length > 1 && parts.every((it) => it !== '' && it !== '.' && it !== '..')) return path;
  throw new OciError(`linux.sysctl: ${JSON.stringify(name)} is no name of a setting`);
}

function assertNamespaced(name: string, path: string, spec: Spec): void {
  if (path === 'kernel/hostname') {
    throw new OciError(`linux.sysctl: ${name} is what hostname is for; set that`);
  }
  const type = namespaceOf(path);
  if (type === null) {
    throw new OciError(
      `linux.sysctl: ${name} is a setting of the whole machine, not of a namespace; set it on the host`,
    );
  }
  if (isOwn(type, spec)) return;
  throw new OciError(
    `linux.sysctl: ${name} would be set for the host, whose ${type} namespace the container shares; give it one of its own`,
  );
}

function namespaceOf(path: string): NamespaceType | null {
  if (path.startsWith('net/')) return 'network';
  if (path === 'kernel/domainname') return 'uts';
  if (path.startsWith('fs/mqueue/') || IPC.includes(path)) return 'ipc';
  return path.startsWith('user/') ? 'user' : null;
}

const FILES: Partial<Record<NamespaceType, string>> = {
  network: 'net',
  uts: 'uts',
  ipc: 'ipc',
  user: 'user',
};

/** A namespace given by its path can be the host's own. */
function isOwn(type: NamespaceType, { linux }: Spec): boolean {
  const namespace = linux?.namespaces?.find((it) => it.type === type);
  if (!namespace) return false;
  if (!namespace.path) return true;
  try {
    // Followed: it may be a link of /proc, or a mount of one as ip-netns(8) makes them.
    return statSync(namespace.path).ino !== statSync(`/proc/self/ns/${FILES[type]}`).ino;
  } catch (cause) {
    throw new OciError(`linux.namespaces: ${type} at ${namespace.path}: ${String(cause)}`, {
      cause,
    });
  }
}
