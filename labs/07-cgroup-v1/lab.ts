/** The guided steps of lab 07, in the order of its reading. */
import { availableParallelism } from 'node:os';
import { cpusLimit } from '../../lib/cgroups/limits.ts';
import { membersOf } from '../../lib/cgroups/members.ts';
import { noSwap } from '../../lib/cgroups/no-swap.ts';
import { onlyV1 } from '../../lib/cgroups/plan.ts';
import { defineLab } from '../../lib/lab/lab.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import * as nsenter from '../06-nsenter/runtime.ts';
import { escapeCommands, forgetEscape, forks, MB, TAKE, untilEscaped } from './attack.ts';
import { reserve } from './by-hand.ts';
import { openHierarchy } from './hierarchy.ts';
import { plotCpus } from './plot.ts';

/** Where there is one processor, all that follows is as true of it. */
const TWO = availableParallelism() > 1 ? '0-1' : '0';

const LOOP = 'while :; do :; done <&0 &';

const NOT_RUN =
  'nothing was run: the kernel starts such a program in its first mount namespace, which may not be ours, and not at all with CONFIG_STATIC_USERMODEHELPER';

export default defineLab({
  steps: {
    many: {
      title: 'One hundred processes, under lab 06',
      run: async ({ subject, host }) => {
        await using box = await subject.under(nsenter, 'lab 06').start();
        await box.type(forks(100));
        // Not by their environment: one that is just being executed has none.
        await host`readlink /proc/[0-9]*/ns/pid | grep -cF $(readlink /proc/${box.pid}/ns/pid)`;
      },
    },
    hierarchies: {
      title: 'Which controller is where',
      run: async ({ host }) => {
        await host`cat /proc/cgroups`;
        await host`grep '^cgroup ' /proc/self/mounts`;
        await host`cat /proc/self/cgroup`;
      },
    },
    'by-hand': {
      title: 'A limit, with mkdir and echo',
      run: async (lab) => {
        const { host } = lab;
        await using hand = await reserve(lab, ['pids']);
        const { pids } = hand.plan.v1;
        await host`mkdir -p ${pids}; ls ${pids}`;
        await host`cd ${pids}; cat pids.max; echo 3 > pids.max; cat pids.max`;
        await host`cd ${pids}; sh -c 'echo $$ > cgroup.procs; sleep 1 & sleep 1 & sleep 1 & :'`;
        await host`cd ${pids}; cat pids.events pids.current; wc -l < cgroup.procs`;
        await host`rmdir ${pids}; ls ${pids}`;
      },
    },
    tasks: {
      title: 'Processes and threads',
      run: async (lab) => {
        const { subject, host } = lab;
        await using box = await subject.start();
        await box.type('sleep 60 <&0 &');
        // What a shell has forked has the shell's name until it executes the program.
        for (const pid of membersOf(onlyV1(box.cgroup))) await untilAsleep(pid);
        await box.type('ps -e -o pid,comm');
        await host`cat ${box.cgroup.v1.pids}/cgroup.procs`;
        await using hand = await reserve(lab, ['pids']);
        const { pids } = hand.plan.v1;
        await host`mkdir -p ${pids}`;
        const wait = "'setTimeout(() => {}, 3000)'";
        await host`cd ${pids}; (echo 0 > cgroup.procs; exec node -e ${wait}) & sleep 1; wc -l cgroup.procs tasks`;
      },
    },
    limits: {
      title: 'The same through the runtime',
      run: async ({ subject, host }) => {
        const limits = { cpu: { quota: 2000 }, memory: { max: 32 * MB }, pids: { max: 32 } };
        await using box = await subject.start({ limits });
        const { v1 } = box.cgroup;
        await host`grep unboxed /proc/${box.pid}/cgroup`;
        await host`cd ${v1.cpu}; head cpu.cfs_quota_us cpu.cfs_period_us`;
        await host`cat ${v1.memory}/memory.limit_in_bytes ${v1.pids}/pids.max`;
        await box.type('grep -E "cpu|pids" /proc/self/cgroup');
      },
    },
    'two-percent': {
      title: 'Two percent of a processor',
      run: async ({ subject, host, show }) => {
        await using box = await subject.start({ limits: { cpu: { quota: 2000 } } });
        const { v1 } = box.cgroup;
        await box.type(LOOP);
        await host`cd ${v1.cpuacct}; cat cpuacct.usage; sleep 1; cat cpuacct.usage`;
        await plotCpus(onlyV1(box.cgroup), { full: 0.1, lines: 8 }, show);
        await host`cat ${v1.cpu}/cpu.stat`;
      },
    },
    'one-and-a-half': {
      title: 'One and a half, of two',
      run: async ({ subject, host, show }) => {
        const limits = { cpu: cpusLimit(1.5), cpuset: { cpus: TWO } };
        await using box = await subject.start({ limits });
        const { v1 } = box.cgroup;
        await host`cat ${v1.cpu}/cpu.cfs_quota_us ${v1.cpuset}/cpuset.cpus`;
        const plot = { full: 2, lines: 6 };
        await box.type(LOOP);
        await plotCpus(onlyV1(box.cgroup), plot, show);
        await box.type(LOOP);
        await plotCpus(onlyV1(box.cgroup), plot, show);
      },
    },
    memory: {
      title: 'Who is killed',
      run: async ({ subject, host }) => {
        const limits = { memory: { max: 32 * MB, ...noSwap() } };
        await using box = await subject.start({ limits });
        const { memory } = box.cgroup.v1;
        await box.type(TAKE);
        await box.type('echo $$ is alive');
        await host`cat ${memory}/memory.oom_control`;
        await host`cd ${memory}; head memory.max_usage_in_bytes memory{,.memsw}.limit_in_bytes`;
      },
    },
    bomb: {
      title: 'One hundred processes again',
      run: async ({ subject, host }) => {
        await using box = await subject.start({ limits: { pids: { max: 32 } } });
        await box.type(`${forks(100)} <&0 &`);
        const { pids } = box.cgroup.v1;
        await host`cd ${pids}; until grep -q 'max [1-9]' pids.events; do sleep 0.1; done`;
        await host`cd ${pids}; cat pids.current pids.max pids.events`;
        await box.type('echo $$ is alive');
      },
    },
    lift: {
      title: 'Leave out the prctl',
      run: async ({ subject, host }) => {
        const limits = { memory: { max: 32 * MB } };
        for (const each of [subject.without('prctl('), subject]) {
          await using box = await each.start({ limits });
          await box.type('mkdir /tmp/own; mount -t cgroup -o memory cgroup /tmp/own');
          await box.type('ls /tmp/own | grep limit_in');
          await box.type('cd /tmp/own; echo -1 > memory.limit_in_bytes; cd /');
          await host`cat ${box.cgroup.v1.memory}/memory.limit_in_bytes`;
        }
      },
    },
    release: {
      title: 'A program for when the last one leaves',
      run: async (lab) => {
        const { subject, host, show } = lab;
        await using hierarchy = await openHierarchy(subject);
        try {
          {
            await using box = await subject.under(nsenter, 'lab 06').start();
            for (const command of escapeCommands(subject, hierarchy.name)) await box.type(command);
            const uid = await untilEscaped(subject);
            if (uid === null) show(NOT_RUN);
            await host`cat escaped; cat rootfs/agent`;
          }
          forgetEscape(subject);
          await using box = await subject.start();
          await box.type(
            `mkdir /tmp/cg; mount -t cgroup -o none,name=${hierarchy.name} cgroup /tmp/cg`,
          );
        } finally {
          forgetEscape(subject);
        }
      },
    },
  },
  task: {
    lines: [
      'The container’s processes must be in a cgroup of their own in each version 1 hierarchy, with',
      'container.limits in force and a limit on processes where none is asked for, and see that cgroup',
      'as the root. In there nobody has CAP_SYS_ADMIN. `join` has to do the same for whoever joins.',
    ],
    before: 'call.gate(',
    hints: [
      'Directories and limits are the host’s half, and there before the process is. Who writes it into cgroup.procs, and until when can it see that file? What does a cgroup namespace take as its root? And what would a shell of root’s have to do to get at the files of its own limits?',
      [
        'These are all that is new. In prepare the directories and the limits, as actions; what is asked for is in container.limits, which may be undefined, so that a default of your own goes before it:',
        "  import { cgroupActions } from '../lib/cgroups/actions.ts';",
        'container.cgroup is a plan for both versions; of it, the half that this lab is about:',
        "  import { onlyV1 } from '../lib/cgroups/plan.ts';",
        'The first lines of the program, and the first of join, which finds the cgroups of a pid itself:',
        "  import { enterCgroup } from '../lib/cgroups/enter-cgroup.ts';",
        "  import { joinCgroup } from '../lib/cgroups/join-cgroup.ts';",
        'After entering, unshare(2); before execute, in both, prctl(2):',
        "  import { CLONE_NEWCGROUP, PR_CAPBSET_DROP } from '../lib/kernel/constants.ts';",
        "  import { numberOfCapability } from '../lib/kernel/capabilities.ts';",
      ].join('\n'),
      [
        'const limits = { pids: { max: 2048 }, ...container.limits };',
        'const cgroup = onlyV1(container.cgroup);',
        'the first lines: enterCgroup(call, cgroup); call.unshare(CLONE_NEWCGROUP);',
        "the last before execute: call.prctl(PR_CAPBSET_DROP, numberOfCapability('CAP_SYS_ADMIN'));",
        'prepare: [...cgroupActions(cgroup, limits), makeBridge(network, host), …]',
        'join: joinCgroup(call, pid); first, the same prctl before execute.',
      ].join('\n'),
    ],
  },
});
