/** The guided steps of lab 06, in the order of its reading. */
import { dirname } from 'node:path';
import { execute } from '../../lib/container/execute.ts';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, CLONE_NEWUTS, O_DIRECTORY, O_RDONLY } from '../../lib/kernel/constants.ts';
import type { Namespace } from '../../lib/kernel/namespaces.ts';
import { defineLab, type RuntimeModule } from '../../lib/lab/lab.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { type Calls, launch } from '../../lib/launch/program.ts';
import { NamespacesError } from '../../lib/namespaces/namespaces-error.ts';
import { readStatus } from '../../lib/observe/process.ts';
import * as naive from './naive-join.ts';
import { runtime } from './runtime.ts';

const ALL: readonly Namespace[] = ['mount', 'pid', 'uts', 'ipc', 'network'];

/** A process of the host that comes into a UTS namespace in one way, and nothing else. */
const way = (namespaces: readonly Namespace[], body: (call: Calls) => void): RuntimeModule => ({
  runtime: (container) => ({
    prepare: [],
    program: launch({ namespaces }, (call) => {
      body(call);
      execute(call, container);
    }),
    connect: () => [],
  }),
});

function join(
  subject: Subject,
  box: Running,
  namespaces: readonly Namespace[],
  argv: readonly string[],
): Promise<Running> {
  if (!subject.join) throw new TypeError(`${subject.name} has no join`);
  return subject.join(box, { namespaces, argv });
}

const EVERY_KIND = '--mount --pid --uts --ipc --net';
const SHELL = ['/bin/sh'];
const SLEEP = ['/bin/sleep', '60'];

/** Its number in the innermost pid namespace that it has one in. */
const innerPid = ({ pid }: Running) => readStatus(pid).nsPid.at(-1);

export default defineLab({
  steps: {
    'three-ways': {
      title: 'clone, unshare, setns',
      run: async ({ subject, host, show }) => {
        show('1. clone3 with CLONE_NEWUTS');
        const clones = way(['uts'], () => {});
        await using cloned = await subject.under(clones, 'clone').start();
        show('2. unshare(CLONE_NEWUTS)');
        const unshares = way([], (call) => call.unshare(CLONE_NEWUTS));
        await using unshared = await subject.under(unshares, 'unshare').start();
        show('3. setns(pidfd of the first, CLONE_NEWUTS)');
        const joins = way([], (call) => call.setns(call.pidfdOpen(cloned.pid, 0), CLONE_NEWUTS));
        await using joined = await subject.under(joins, 'setns').start();
        for (const pid of ['self', cloned.pid, unshared.pid, joined.pid]) {
          await host`readlink /proc/${pid}/ns/uts`;
        }
        await cloned.type('hostname renamed');
        show('and in the third:');
        await joined.type('hostname');
      },
    },
    network: {
      title: 'The host’s tools in the container’s network',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`grep -lsz '^container=${box.id}$' /proc/[0-9]*/environ`;
        await host`nsenter --target ${box.pid} --net ip -br -4 addr`;
        await host`nsenter --target ${box.pid} --net grep ^NAME /etc/os-release`;
        await host`nsenter --target ${box.pid} --net ls -d rootfs`;
        await box.type('ip -br -4 addr');
      },
    },
    all: {
      title: 'Join everything',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await using joined = await join(subject, box, ALL, SHELL);
        await joined.type('grep ^NAME /etc/os-release; hostname');
        await joined.type('ps -e -o pid,ppid,comm');
        await host`nsenter --target ${box.pid} ${EVERY_KIND} ps -e -o pid,ppid,comm`;
      },
    },
    outside: {
      title: 'Two processes, one set of inodes',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await using joined = await join(subject, box, ALL, SLEEP);
        for (const kind of ['mnt', 'pid', 'uts', 'ipc', 'net', 'user']) {
          await host`readlink /proc/{self,${box.pid},${joined.pid}}/ns/${kind} | paste -s`;
        }
        await host`grep -E '^(PPid|NSpid)' /proc/${joined.pid}/status`;
        await host`stat -L -c 'inode %i' rootfs /proc/${joined.pid}/root/ /proc/${joined.pid}/cwd/`;
        await host`ls /proc/${joined.pid}/fd`;
      },
    },
    child: {
      title: 'Leave out the fork',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await using joined = await join(subject.without('join: clone3'), box, ALL, SHELL);
        await host`readlink /proc/${joined.pid}/ns/{pid,pid_for_children} /proc/${box.pid}/ns/pid`;
        await host`grep NSpid /proc/${joined.pid}/status`;
        await joined.type('echo $$');
        await joined.type("sh -c 'echo $$'");
      },
    },
    'left-open': {
      title: 'Leave out close_range',
      run: async ({ subject, host }) => {
        await host`echo 'only the host should read this' > secret`;
        // As a careless library opens a directory: without O_CLOEXEC.
        const run = dirname(subject.rootfs);
        const directory = kernel.openat(AT_FDCWD, run, O_RDONLY | O_DIRECTORY);
        try {
          await using box = await subject.start();
          for (const each of [subject.without('join: close_range'), subject]) {
            await using joined = await join(each, box, ALL, SLEEP);
            await box.type(`cat /proc/${innerPid(joined)}/fd/${directory}/secret`);
          }
        } finally {
          kernel.close(directory);
        }
      },
    },
    half: {
      title: 'Join the pid namespace without the mounts',
      run: async ({ subject, host, show }) => {
        await host`echo 'only the host should read this' > secret`;
        await using box = await subject.start();
        const careless = subject.under({ runtime, ...naive }, 'a naive join');
        await using joined = await join(careless, box, ['pid', 'network'], SLEEP);
        await box.type('ps -e -o pid,ppid,comm');
        await box.type(`cat /proc/${innerPid(joined)}/root${dirname(subject.rootfs)}/secret`);
        try {
          await using refused = await join(subject, box, ['pid', 'network'], SLEEP);
          show(`pid ${refused.pid} has joined`);
        } catch (error) {
          if (!(error instanceof NamespacesError)) throw error;
          show(`join: ${error.message}`);
        }
      },
    },
  },
  task: {
    lines: [
      'Export `join` beside `runtime`, a function ({ pid, namespaces, argv, env }) => Program.',
      'Its process must be in the namespaces of process `pid` that are asked for, and no others,',
      'have a number there if pid is one of them, and bring no descriptor and no signal setting.',
      'Joining pid without mount must fail: the container could read the host through our root.',
    ],
    before: 'export function runtime',
    hints: [
      'A launch program with no namespaces to be cloned into. One call gives a descriptor that stands for the process, one call enters. When does a process get its number?',
      'pidfd_open(2), then setns(2) with the or-ed flags of all kinds (joinFlags in lib/namespaces/joining.ts refuses pid without mount), then a child if pid is among them, then the lines that lab 00 ends with.',
      "call.setns(call.pidfdOpen(pid, 0), joinFlags(namespaces)); if (namespaces.includes('pid')) call.fork(0); execute(call, { argv, env });",
    ],
  },
});
