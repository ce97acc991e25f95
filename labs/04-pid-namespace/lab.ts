/** The guided steps of lab 04, in the order of its reading. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineLab } from '../../lib/lab/lab.ts';
import { orGone } from '../../lib/observe/proc-file.ts';
import { childrenOf, readStatus } from '../../lib/observe/process.ts';
import * as plain from '../00-host/runtime.ts';
import * as pivotRoot from '../03-pivot-root/runtime.ts';

/** Its parent ends at once. It reads a file because there is no /dev/null yet to read from. */
const ORPHAN = '(sleep 0.1 < /etc/os-release &)';

/** "sleep Z": name and state of each child; one that is gone meanwhile is left out. */
const describeChildren = (pid: number) =>
  childrenOf(pid).flatMap((child) => {
    const status = orGone(() => readStatus(child));
    return status ? [`${status.name} ${status.state[0]}`] : [];
  });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}

export default defineLab({
  steps: {
    reach: {
      title: 'Kill a process of the host, under lab 03',
      run: async ({ subject, host }) => {
        const plainly = subject.under(plain, 'a process of the host');
        await using victim = await plainly.start({ argv: ['/bin/sleep', '60'] });
        await host`grep -E '^(Name|Pid)' /proc/${victim.pid}/status`;
        await using box = await subject.under(pivotRoot, 'lab 03').start();
        await box.type(`kill -KILL ${victim.pid}`);
        await victim.exited;
        await host`ls -d /proc/${victim.pid}`;
      },
    },
    'by-hand': {
      title: 'A pid namespace by hand',
      run: async ({ host }) => {
        await host`unshare --pid --fork --mount-proc bash -c 'echo $$; ps -e -o pid,comm; true'`;
        await host`unshare --pid --fork bash -c 'echo $$; ps -e | wc -l; cat /proc/1/comm'`;
      },
    },
    links: {
      title: 'Which namespaces are new',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`ls -l /proc/self/ns | grep -o '[a-z_]* -> .*'`;
        await box.type("ls -l /proc/self/ns | grep -o '[a-z_]* -> .*'");
      },
    },
    outside: {
      title: 'One process, two numbers',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await box.type('echo $$; ps -e -o pid,ppid,comm');
        await host`grep -E '^(Pid|PPid|NSpid)' /proc/${box.pid}/status`;
        await host`ls /proc/${box.pid}/root/proc | grep '^[0-9]'`;
        await host`ls /proc | grep -c '^[0-9]'`;
      },
    },
    names: {
      title: 'Its host name, its System V objects',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`hostname`;
        await box.type('hostname; hostname renamed; hostname');
        await host`hostname`;
        const made = await host`ipcmk --shmem 12345`;
        await host`grep -cw 12345 /proc/sysvipc/shm`;
        await box.type('grep -cw 12345 /proc/sysvipc/shm');
        await host`ipcrm --shmem-id ${made.replace(/\D/g, '')}`;
      },
    },
    orphans: {
      title: 'Orphans, and who waits for them',
      run: async ({ subject, host }) => {
        await using lazy = await subject.start({
          argv: ['/bin/sh', '-c', `${ORPHAN}; exec sleep 60`],
        });
        await until(() => describeChildren(lazy.pid).includes('sleep Z'));
        await host`ps -e -o pid,ppid,state,comm | grep -w ${lazy.pid}`;
        await using box = await subject.start();
        await box.type(ORPHAN);
        await until(() => describeChildren(box.pid).length === 0);
        await box.type('ps -e -o pid,ppid,state,comm');
      },
    },
    signals: {
      title: 'Signals to pid 1, and its end',
      run: async ({ subject, host, show }) => {
        await using box = await subject.start();
        await box.type("sh -c 'kill -TERM $$; echo still here'");
        await box.type('kill -TERM $$; kill -KILL $$; echo still here');
        await host`kill -TERM ${box.pid}; grep ^State /proc/${box.pid}/status`;
        await box.type('sleep 60 < /etc/os-release &');
        await until(() => describeChildren(box.pid).includes('sleep S'));
        const [child] = childrenOf(box.pid);
        await host`grep -E '^(Name|NSpid)' /proc/${child}/status`;
        await host`kill -KILL ${box.pid}`;
        const { signal } = await box.exited;
        show(`(box ended by ${signal})`);
        await host`ls -d /proc/${child}`;
      },
    },
    'forget-proc': {
      title: 'Leave out proc, then the namespace',
      run: async ({ subject, host }) => {
        await using blind = await subject.without('mount("proc"').start();
        await blind.type('echo $$; ps -e');
        await host`echo 'only the host should read this' > secret; readlink -f secret`;
        await using box = await subject.under(pivotRoot, 'lab 03').start();
        await box.type('mount -t proc proc /proc; ps -e | wc -l');
        const { pid } = subject.host;
        await box.type(`cat /proc/${pid}/root${subject.rootfs.replace(/rootfs$/, 'secret')}`);
      },
    },
  },
  task: {
    lines: [
      'The process must be pid 1 of a pid namespace of its own, and have its own uts and ipc too.',
      'Its /proc must list its own processes: a proc, nosuid, nodev and noexec.',
      'Its host name must be container.hostname.',
    ],
    before: "call.umount2('.'",
    hints: [
      'Three words in the first argument of launch, two calls. /proc shows the pid namespace of whoever mounts it. And who reads the host name?',
      'Clone into pid, uts and ipc as well. mount(2) a proc once the root has changed, while the old root is still there for those who run without root; then sethostname(2).',
      "launch({ namespaces: ['mount', 'pid', 'uts', 'ipc'] }, …); call.mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC); after pivotRoot, and call.sethostname(container.hostname);",
    ],
  },
});
