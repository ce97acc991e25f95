/**
 * What if … root in the container mounts something where the host keeps its files?
 * mount_namespaces(7)
 */
import { join } from 'node:path';
import type { Attack } from '../../lib/lab/lab.ts';
import { readMountinfo } from '../../lib/observe/mountinfo.ts';

const coverHostDirectory: Attack = {
  name: 'cover-directory',
  title: 'mount an empty tmpfs over a directory that the host uses too',
  stoppedBy: '02',
  run: async (subject) => {
    await using _box = await subject.start({
      calls: (call) => {
        call.mount('attack', '/root', 'tmpfs', 0);
        call.execve('/bin/sleep', ['sleep', '60'], {});
      },
    });
    const { pid } = subject.host;
    const covered = readMountinfo(pid).filter(({ source }) => source === 'attack');
    const paths = covered.map(({ mountPoint }) => mountPoint);
    for (const path of paths) await subject.host.run(['umount', path]);
    return {
      succeeded: paths.length > 0,
      seen:
        paths.map((path) => `${path} is covered`).join(' ') ||
        `no mount on ${join(subject.rootfs, 'root')}`,
      where: `/proc/${pid}/mountinfo, the host’s`,
    };
  },
};

export const attacks: readonly Attack[] = [coverHostDirectory];
