/**
 * What `list` and `state` tell of a container besides the specification's state.
 */
import { readFileSync, statSync } from 'node:fs';
import { type Stored, statusOf } from './store.ts';

export const describeContainer = ({ rootfs, created, cgroup }: Stored) => ({
  rootfs,
  created,
  owner: '',
  'cgroup-path': cgroup.v2 ?? Object.values(cgroup.v1)[0] ?? '',
});

export interface Listed {
  ociVersion: string;
  id: string;
  pid: number;
  status: string;
  bundle: string;
  rootfs: string;
  created: string;
  owner: string;
}

/** `owner` is the name of whoever made it, or the uid of one who has none. */
export function listed(stored: Stored, directory: string): Listed {
  const { ociVersion, id, bundle, rootfs, created, init } = stored;
  const status = statusOf(stored);
  const pid = status === 'stopped' ? 0 : (init?.pid ?? 0);
  const owner = nameOf(statSync(directory).uid);
  return { ociVersion, id, pid, status, bundle, rootfs, created, owner };
}

/** passwd(5) */
function nameOf(uid: number): string {
  let passwd = '';
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const entries = passwd.split('\n').map((line) => line.split(':'));
  return entries.find(([, , number]) => number === String(uid))?.[0] ?? String(uid);
}
