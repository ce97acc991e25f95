/**
 * What if … root climbs, as in lab 01? And what if it joins the mount namespace that it is in?
 * setns(2), pidfd_open(2)
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CLONE_NEWNS } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import type { Calls } from '../../lib/launch/program.ts';
import { climbOut } from '../01-chroot/attack.ts';

const SECRET = 'the host’s secret';

/** setns(2) gives the caller the root of the namespace's table, also when it is there already. */
export function rejoin(call: Calls): void {
  const self = call.pidfdOpen(call.getpid(), 0);
  call.setns(self, CLONE_NEWNS);
}

const rejoinAndRead: Attack = {
  name: 'rejoin',
  title: 'join the mount namespace that it is in, to stand at its root',
  stoppedBy: '03',
  run: async (subject) => {
    const path = join(dirname(subject.rootfs), 'secret');
    writeFileSync(path, `${SECRET}\n`);
    await using box = await subject.start({
      calls: (call) => {
        rejoin(call);
        call.execve('/bin/cat', ['cat', path], {});
      },
    });
    const seen = (await box.output()).trim();
    return { succeeded: seen.includes(SECRET), seen, where: `cat ${path} after setns` };
  },
};

export const attacks: readonly Attack[] = [climbOut, rejoinAndRead];
