/**
 * What if … the parent has a file open that the container must not read? Permissions are asked at
 * open; a descriptor that crosses execve has passed them already.
 */
import { closeSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, O_RDONLY } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';

const SECRET = 'the host’s secret';

const readLeakedDescriptor: Attack = {
  name: 'leaked-descriptor',
  title: 'read a file that the parent left open, though its name is gone',
  stoppedBy: '00',
  run: async (subject) => {
    const path = join(dirname(subject.rootfs), 'secret');
    writeFileSync(path, SECRET);
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
