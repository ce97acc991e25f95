/** The guided steps of lab 03, in the order of its reading. */
import { dirname } from 'node:path';
import { CLONE_NEWNS } from '../../lib/kernel/constants.ts';
import { defineLab } from '../../lib/lab/lab.ts';
import * as lab00 from '../00-host/runtime.ts';
import * as lab01 from '../01-chroot/runtime.ts';
import * as lab02 from '../02-mount-namespace/runtime.ts';
import { compareRoots } from './comparison.ts';

export default defineLab({
  steps: {
    rejoin: {
      title: 'Out of the last lab’s root',
      run: async ({ subject, host, show }) => {
        await host`echo 'only the host should read this' > secret`;
        await using box = await subject.under(lab02, 'lab 02').start({
          calls: (call) => {
            const self = call.pidfdOpen(call.getpid(), 0);
            call.setns(self, CLONE_NEWNS);
            call.execve('/bin/cat', ['cat', `${dirname(subject.rootfs)}/secret`], {});
          },
        });
        show('box: setns to the mount namespace that it is in, then cat:');
        show((await box.output()).trim());
      },
    },
    'by-hand': {
      title: 'Exchange the root by hand',
      run: async ({ subject }) => {
        await using box = await subject.under(lab00, 'lab 00').start({ argv: ['/bin/bash'] });
        await box.type(`cd ${dirname(subject.rootfs)}`);
        await box.type('exec unshare --mount bash');
        await box.type('mkdir -p new && mount -t tmpfs -o size=1G tmpfs new && cd new');
        await box.type('df -h . | tail -n 1');
        await box.type('mkdir old-rootfs');
        await box.type('pivot_root . old-rootfs');
        await box.type('cd .; pwd');
        for (const command of ['ls', 'mount', 'ps']) await box.type(command);
        await box.type('echo *');
        await box.type('echo old-rootfs/*');
        await box.type('old-rootfs/bin/ls');
      },
    },
    'own-ls': {
      title: 'Take ls along, and let the host go',
      run: async ({ subject, host }) => {
        await using box = await subject.under(lab00, 'lab 00').start({ argv: ['/bin/bash'] });
        await box.type(`cd ${dirname(subject.rootfs)}`);
        await box.type('exec unshare --mount bash');
        await box.type('mkdir -p new && mount -t tmpfs -o size=1G tmpfs new && cd new');
        await box.type('cp --parents -L /bin/ls /bin/umount .');
        await box.type(
          "cp --parents -L $(ldd /bin/ls /bin/umount | grep -o '/[^ ]*[.]so[^ ]*' | sort -u) .",
        );
        await box.type('mkdir old-rootfs proc && mount --rbind /proc proc');
        await box.type('pivot_root . old-rootfs; cd .');
        await box.type('ls');
        await box.type('ls -d old-rootfs/etc');
        await box.type('umount old-rootfs');
        await box.type('umount -l old-rootfs proc');
        await box.type('ls -A old-rootfs');
        await host`cat /proc/${box.pid}/mountinfo`;
      },
    },
    outside: {
      title: 'The table, from outside',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`cat /proc/${box.pid}/mountinfo`;
        await host`readlink /proc/${box.pid}/root`;
        await host`stat -L -c 'inode %i' rootfs /proc/${box.pid}/root/ /proc/${box.pid}/root/..`;
        await host`nsenter --target=${box.pid} --mount stat -c 'inode %i' /`;
      },
    },
    compare: {
      title: 'chroot beside pivot_root',
      run: async ({ subject, show }) => {
        const bare = subject.under(lab01, 'lab 01');
        const chroot = subject.under(lab02, 'lab 02');
        const rows = [['', 'chroot', 'pivot_root']];
        for await (const row of compareRoots(bare, chroot, subject)) rows.push(row);
        for (const [question = '', left = '', right] of rows) {
          show(`${question.padEnd(27)}${left.padEnd(17)}${right}`);
        }
      },
    },
    stacked: {
      title: 'Leave the old root where it is',
      run: async ({ subject, host }) => {
        await using box = await subject.without('umount2(').start();
        await box.type('grep ^NAME /etc/os-release');
        await box.type('grep ^NAME /../etc/os-release');
        await host`cut -d ' ' -f 1,2,4,5 /proc/${box.pid}/mountinfo | grep ' /$'`;
        await host`wc -l < /proc/${box.pid}/mountinfo`;
      },
    },
  },
  task: {
    lines: [
      'The root of the process must be the root of its mount table, and show container.rootfs.',
      'No mount of the host may be left in that table.',
    ],
    before: 'call.chroot(',
    hints: [
      'chroot has to go: pivot_root exchanges the root of the table. It wants its new root to be a mount point. How does a directory become one?',
      'A bind mount of the directory on itself, chdir into it, pivot_root. Where is the old root after that, and who takes it out of the table?',
      "call.mount(rootfs, rootfs, null, MS_BIND | MS_REC); call.chdir(rootfs); call.pivotRoot('.', '.'); call.umount2('.', MNT_DETACH); in place of chroot and chdir('/').",
    ],
  },
});
