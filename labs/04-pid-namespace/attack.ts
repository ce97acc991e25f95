/**
 * What if … root in the container sends SIGKILL to a number that it has guessed?
 * kill(2), pid_namespaces(7)
 */
import { SIGTERM } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import * as plain from '../00-host/runtime.ts';

const killByNumber: Attack = {
  name: 'kill-host-process',
  title: 'kill a process of the host by its pid',
  stoppedBy: '04',
  run: async (subject) => {
    // With the host's files and the host's numbers, and made here, so that it may be killed.
    const host = subject.under(plain, 'a process of the host');
    await using victim = await host.start({ argv: ['/bin/sleep', '60'] });
    await using box = await subject.start();
    const answer = await box.type(`kill -KILL ${victim.pid}`);
    // Of two signals that kill, the first is the one that the kernel reports.
    victim.kill(SIGTERM);
    const { signal } = await victim.exited;
    return {
      succeeded: signal === 'SIGKILL',
      seen: `${answer.trim() || 'kill says nothing'}; the process ended by ${signal}`,
      where: `waitid(2) for pid ${victim.pid}, after a SIGTERM of the host’s own`,
    };
  },
};

export const attacks: readonly Attack[] = [killByNumber];
