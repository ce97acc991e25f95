/**
 * Waiting until a process waits. Between execve and the program's own first line its loader has
 * files open that the program never asked for; what a program holds is to be seen when it rests.
 * State in proc_pid_status(5), ld.so(8)
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ObserveError } from './error.ts';
import { readStatus } from './status.ts';

/**
 * Resolves when `pid` sleeps in a call that a signal could end, as sleep(1) does or a shell that
 * reads. Throws ObserveError when it has ended. It is for the caller to know that it will rest.
 */
export async function untilAsleep(pid: number): Promise<void> {
  for (;;) {
    const { state } = readStatus(pid);
    if (state === 'S') return;
    if (state === 'Z' || state === 'X') {
      throw new ObserveError(`/proc/${pid}/status`, 'the process has ended', { code: 'ESRCH' });
    }
    await delay(1);
  }
}
