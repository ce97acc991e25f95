/** The guided steps of lab 01, in the order of its reading. */
import { dirname } from 'node:path';
import { defineLab } from '../../lib/lab/lab.ts';

export default defineLab({
  steps: {
    copy: {
      title: 'Build a root from two programs',
      run: async ({ host }) => {
        await host`mkdir -p tiny/bin && cp /bin/bash /bin/ls tiny/bin/`;
        await host`ldd /bin/ls`;
        await host`cp --parents -L $(ldd /bin/bash /bin/ls | grep -o '/[^ ]*[.]so[^ ]*' | sort -u) tiny/`;
        await host`chroot tiny /bin/ls /`;
        await host`chroot tiny /bin/cat /etc/os-release`;
      },
    },
    enter: {
      title: 'Enter the prepared root',
      run: async ({ subject, host }) => {
        await host`grep ^NAME /etc/os-release`;
        await using box = await subject.start();
        await box.type('grep ^NAME /etc/os-release');
        await box.type('ls /');
        await box.type('pwd');
      },
    },
    outside: {
      title: 'Look at it from outside',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`stat -L -c 'inode %i' rootfs /proc/${box.pid}/root/ /proc/${box.pid}/cwd/`;
        await host`readlink /proc/${box.pid}/root`;
        await host`readlink /proc/self/ns/mnt /proc/${box.pid}/ns/mnt`;
      },
    },
    'forget-chdir': {
      title: 'Leave out chdir',
      run: async ({ subject, host }) => {
        await using box = await subject.without('chdir("/")').start();
        await box.type('ls /');
        await host`stat -L -c 'inode %i' rootfs /proc/${box.pid}/root/ /proc/${box.pid}/cwd/`;
        await box.type('ls');
      },
    },
    climb: {
      title: 'Climb out',
      run: async ({ subject, host, show }) => {
        const secret = `${dirname(subject.rootfs)}/secret`;
        await host`echo 'only the host should read this' > secret`;
        await using box = await subject.start({
          calls: (call) => {
            call.chroot('/bin');
            for (let i = 0; i < 16; i++) call.chdir('..');
            call.chroot('.');
            call.execve('/bin/cat', ['cat', secret], {});
          },
        });
        show('box: chroot("/bin"), chdir("..") 16 times, chroot("."), then cat:');
        show((await box.output()).trim());
      },
    },
  },
  task: {
    lines: [
      'The process must have container.rootfs as its root directory,',
      'and its working directory must lie inside that root.',
    ],
    before: 'call.rtSigprocmask',
    hints: [
      'Two calls. The first changes what "/" means. What did it not change?',
      'chroot(2) says in its second paragraph what stays where it was.',
      "call.chroot(container.rootfs); then call.chdir('/'); in this order: the other way round, '/' is still the host's.",
    ],
  },
});
