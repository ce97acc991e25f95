import { CLONE_NEWNS, MNT_DETACH, MS_PRIVATE, MS_REC } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import { hideSecret, SECRET } from '../../lib/lab/secret.ts';
import type { Calls } from '../../lib/launch/program.ts';
import { climbOut } from '../01-chroot/attack.ts';

/** setns(2) gives the caller the root of the namespace's table, also when it is there already. */
export function rejoin(call: Calls): void {
  const self = call.pidfdOpen(call.getpid(), 0);
  call.setns(self, CLONE_NEWNS);
}

/**
 * A root that was moved onto the host's, with MS_MOVE, covers it and can be taken off. In a copy of
 * the table, so that nothing else is lifted; where "/" is no mount there is nothing to lift.
 */
function liftRoot(call: Calls): void {
  call.unshare(CLONE_NEWNS);
  call.attempt.mount(null, '/', null, MS_REC | MS_PRIVATE);
  call.attempt.umount2('/', MNT_DETACH);
}

const rejoinAndRead: Attack = {
  name: 'rejoin',
  title: 'unmount its own root, and join the mount table that it is in',
  stoppedBy: '03',
  run: async (subject) => {
    const path = hideSecret(subject);
    await using box = await subject.start({
      calls: (call) => {
        liftRoot(call);
        rejoin(call);
        // What lies below may be an empty root, with no cat in it.
        call.attempt.execve('/bin/cat', ['cat', path], {});
      },
    });
    const seen = (await box.output()).trim();
    return { succeeded: seen.includes(SECRET), seen, where: `cat ${path} after umount2 and setns` };
  },
};

export const attacks: readonly Attack[] = [climbOut, rejoinAndRead];
