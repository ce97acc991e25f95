import type { Attack } from '../../lib/lab/lab.ts';
import { hideSecret, SECRET } from '../../lib/lab/secret.ts';

const readByPath: Attack = {
  name: 'read-by-path',
  title: 'read a file of the host by its path',
  stoppedBy: '01',
  run: async (subject) => {
    const path = hideSecret(subject);
    await using box = await subject.start();
    const seen = await box.type(`cat ${path}`);
    return { succeeded: seen.includes(SECRET), seen, where: `cat ${path} in the container` };
  },
};

/** Deeper than any root of a lab lies; at the top, `..` stays where it is. */
const DEPTH = 16;

/**
 * `..` stops at the process's root, and only there. A second chroot moves the root below the
 * working directory, and from then on nothing stops it.
 */
export const climbOut: Attack = {
  name: 'climb-out',
  title: 'climb out as root: chroot once more, then cd .. to the top',
  stoppedBy: '03',
  run: async (subject) => {
    const path = hideSecret(subject);
    await using box = await subject.start({
      calls: (call) => {
        call.chroot('/bin');
        for (let i = 0; i < DEPTH; i++) call.chdir('..');
        call.chroot('.');
        call.execve('/bin/cat', ['cat', path], {});
      },
    });
    const seen = (await box.output()).trim();
    return { succeeded: seen.includes(SECRET), seen, where: `cat ${path} after climbing` };
  },
};

export const attacks: readonly Attack[] = [readByPath, climbOut];
