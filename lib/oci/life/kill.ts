/**
 * `kill`: a signal to the first process of a container, or to all that is in its cgroup.
 */
import { closeSync } from 'node:fs';
import { constants as os } from 'node:os';
import { membersOf } from '../../cgroups/members.ts';
import { killCgroups } from '../../host/remove-cgroups.ts';
import { kernel } from '../../kernel/call.ts';
import { SIGKILL } from '../../kernel/constants.ts';
import { SyscallError } from '../../kernel/syscall-error.ts';
import { isSame } from '../../observe/process.ts';
import { directoriesOf, planOf } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import { load, readSpec, type Stored, statusOf } from './store.ts';

/** A number, or a name with or without SIG. Throws OciError. */
export function signalOf(text: string): number {
  const number = Number(text);
  const last = 64;
  if (/^\d+$/.test(text) && number <= last) return number;
  const name = text.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const real = /^SIGRTM(IN|AX)([+-]\d+)?$/.exec(name);
  if (real) return (real[1] === 'IN' ? 34 : last) + Number(real[2] ?? 0);
  const known = (os.signals as Readonly<Record<string, number>>)[name];
  if (known === undefined) throw new OciError(`unknown signal "${text}"; give a name or a number`);
  return known;
}

export interface KillOptions {
  root: string;
  id: string;
  signal: number;
  all: boolean;
}

/** Throws OciError when it does not run. */
export async function killContainer({ root, id, signal, all }: KillOptions): Promise<void> {
  const { stored, paths } = load(root, id);
  const status = statusOf(stored);
  if (all) {
    // Also where the first one has ended: without a pid namespace the others live on.
    await signalAll(stored, signal);
    return;
  }
  if (status === 'stopped' || !stored.init) throw new OciError('container not running');
  send(stored, signal);
  const { namespaces = [] } = readSpec(paths).linux ?? {};
  const shares = !namespaces.some(({ type, path }) => type === 'pid' && !path);
  // The end of its first process is the end of a pid namespace of its own, and else of nothing.
  // A frozen one of version 1 would not die before it is thawed.
  if (signal === SIGKILL && (shares || status === 'paused')) await signalAll(stored, signal);
}

async function signalAll({ cgroup, id }: Stored, signal: number): Promise<void> {
  if (signal === SIGKILL) return await killCgroups(directoriesOf(cgroup));
  for (const pid of membersOf(planOf(cgroup, id))) {
    orEnded(() => kernel.kill(pid, signal));
  }
}

/** Through a pidfd: to that process, and to no other that has its number. */
function send({ init }: Stored, signal: number): void {
  if (!init) return;
  const done = orEnded(() => {
    const pidfd = kernel.pidfdOpen(init.pid, 0);
    try {
      if (!isSame(init)) return false;
      kernel.pidfdSendSignal(pidfd, signal);
      return true;
    } finally {
      closeSync(pidfd);
    }
  });
  if (!done) throw new OciError('container not running');
}

function orEnded<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof SyscallError && error.code === 'ESRCH') return undefined;
    throw error;
  }
}
