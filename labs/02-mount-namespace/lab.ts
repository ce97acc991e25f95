/** The guided steps of lab 02, in the order of its reading. */
import { defineLab } from '../../lib/lab/lab.ts';

export default defineLab({
  steps: {
    copy: {
      title: 'A new mount namespace, and nothing else',
      run: async ({ host }) => {
        await host`readlink /proc/self/ns/mnt; wc -l < /proc/self/mountinfo`;
        await host`unshare --mount --propagation unchanged sh -c 'readlink /proc/self/ns/mnt; wc -l < /proc/self/mountinfo'`;
        await host`df / | tail -n 1; unshare --mount --propagation unchanged df / | tail -n 1`;
      },
    },
    tmpfs: {
      title: 'A /tmp of its own',
      run: async ({ subject, host }) => {
        await host`touch rootfs/tmp/from-the-host`;
        await using box = await subject.start();
        await box.type('ls -A /tmp');
        await box.type('echo hello > /tmp/note; ls -A /tmp');
        await host`ls -A rootfs/tmp`;
      },
    },
    outside: {
      title: 'Two tables, from outside',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`cat /proc/${box.pid}/mountinfo`;
        await host`grep -c rootfs/tmp /proc/self/mountinfo`;
        await host`ls -A /proc/${box.pid}/root/tmp rootfs/tmp`;
      },
    },
    peers: {
      title: 'Who hears of a mount',
      run: async ({ host }) => {
        await host`awk '$5 == "/"' /proc/self/mountinfo`;
        await host`unshare --mount --propagation unchanged awk '$5 == "/"' /proc/self/mountinfo`;
        await host`unshare --mount --propagation private awk '$5 == "/"' /proc/self/mountinfo`;
      },
    },
    leak: {
      title: 'Leave out MS_PRIVATE',
      run: async ({ subject, host }) => {
        await host`touch rootfs/tmp/from-the-host; grep -c rootfs/tmp /proc/self/mountinfo`;
        await using _box = await subject.without('mount(NULL, "/"').start();
        await host`grep -c rootfs/tmp /proc/self/mountinfo`;
        await host`ls -A rootfs/tmp`;
        await host`umount rootfs/tmp; ls -A rootfs/tmp`;
      },
    },
  },
  task: {
    lines: [
      'The process must have a mount namespace of its own,',
      'a tmpfs with mode 1777, nosuid and nodev on its /tmp,',
      'and no mount that it makes may show up on the host.',
    ],
    before: 'call.chroot(',
    hints: [
      'A new namespace is asked for where the process is cloned, in the first argument of launch. Then look at the optional fields in its mountinfo: shared with whom?',
      "launch({ namespaces: ['mount'] }, …), then one mount(2) that changes propagation on / and all below it, and one that mounts the tmpfs once the root has changed.",
      "call.mount(null, '/', null, MS_REC | MS_PRIVATE); before the chroot, and call.mount('tmpfs', '/tmp', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777'); after the chdir.",
    ],
  },
});
