/**
 * What if … the parent has a file open that the container must not read? Permissions are asked at
 * open; a descriptor that crosses execve has passed them already.
 */
import { closeSync, rmSync } from 'node:fs';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, O_RDONLY } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import { hideSecret, SECRET } from '../../lib/lab/secret.ts';

const readLeakedDescriptor: Attack = {
  name: 'leaked-descriptor',
  title: 'read a file that the parent left open, though its name is gone',
  stoppedBy: '00',
  run: async (subject) => {
    const path = hideSecret(subject);
    const descriptor = kernel.openat(AT_FDCWD, path, O_RDONLY);
    rmSync(path);
    try {
      await using box = await subject.start();
      const seen = await box.type(`cat /proc/self/fd/${descriptor}`);
      return {
        succeeded: seen.includes(SECRET),
        seen,
        where: `descriptor ${descriptor} in the container`,
      };
    } finally {
      closeSync(descriptor);
    }
  },
};

export const attacks: readonly Attack[] = [readLeakedDescriptor];
