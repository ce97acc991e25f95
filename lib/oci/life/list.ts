/**
 * What `list` and `state` tell of a container besides the specification's state.
 */
import { statSync } from 'node:fs';
import { type Stored, statusOf } from './store.ts';

export const describeContainer = ({ rootfs, created, cgroup }: Stored) => ({
  rootfs,
  created,
  owner: '',
  'cgroup-path': cgroup.v2 ?? Object.values(cgroup.v1)[0] ?? '',
});

export interface Listed {
  id: string;
  pid: number;
  status: string;
  bundle: string;
  created: string;
  owner: string;
}

/** `owner` is the uid of whoever made it. */
export function listed(stored: Stored, directory: string): Listed {
  const { id, bundle, created, init } = stored;
  const status = statusOf(stored);
  const pid = status === 'stopped' ? 0 : (init?.pid ?? 0);
  return { id, pid, status, bundle, created, owner: String(statSync(directory).uid) };
}
