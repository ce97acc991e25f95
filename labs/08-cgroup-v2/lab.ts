/** The guided steps of lab 08, in the order of its reading. */
import { rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseCpuList } from '../../lib/cgroups/cpu-list.ts';
import { sampleCpu } from '../../lib/cgroups/cpu-use.ts';
import { cpusLimit } from '../../lib/cgroups/limits.ts';
import { noSwap } from '../../lib/cgroups/no-swap.ts';
import { onlyV2 } from '../../lib/cgroups/plan.ts';
import { defineLab, type StepContext } from '../../lib/lab/lab.ts';
import type { Running } from '../../lib/lab/subject.ts';
import * as nsenter from '../06-nsenter/runtime.ts';
import { forks, MB, TAKE } from '../07-cgroup-v1/attack.ts';
import { plotCpus } from '../07-cgroup-v1/plot.ts';
import { takeMemory } from './attack.ts';
import { firstDisk } from './disk.ts';
import { confine, mountTree, openPlace, smallMachine } from './place.ts';

const LOOP = 'while :; do :; done &';
const SLEEP = ['/bin/sleep', '60'];

/** A short name for a directory, in the directory where commands are typed. */
function name({ subject }: StepContext, link: string, directory: string | null): void {
  const path = `${dirname(subject.rootfs)}/${link}`;
  rmSync(path, { force: true });
  symlinkSync(directory ?? '/', path);
}

/** A cgroup to try things in, as `cg`. */
async function openHand(lab: StepContext): Promise<AsyncDisposable> {
  const place = await openPlace();
  name(lab, 'cg', place.directory);
  return place;
}

/** As many of the two first processors as there are. */
const twoOf = ({ cgroup }: Running) => parseCpuList(cgroup.site.cpus).slice(0, 2).join();

export default defineLab({
  steps: {
    neighbour: {
      title: 'A neighbour that needs nothing, under lab 06',
      run: async (lab) => {
        const { host } = lab;
        const subject = lab.subject.under(nsenter, 'lab 06');
        await using place = await openPlace(smallMachine());
        await using neighbour = await subject.start();
        await using hog = await subject.start();
        name(lab, 'neighbour', confine(place, neighbour));
        name(lab, 'hog', confine(place, hog));
        await takeMemory(place, hog, neighbour);
        await host`grep -H oom_kill {neighbour,hog}/memory.events | grep -v group`;
        await neighbour.type('ps -e -o comm');
      },
    },
    tree: {
      title: 'One tree, by hand',
      run: async (lab) => {
        const { host } = lab;
        await using _ = await openHand(lab);
        await host`grep -w cgroup2 /proc/self/mounts`;
        await host`cat cg/cgroup.controllers; mkdir cg/a; ls cg/a | cut -d . -f 1 | uniq -c`;
        await host`echo '+memory +pids' > cg/cgroup.subtree_control`;
        await host`cat cg/a/cgroup.controllers; ls cg/a | cut -d . -f 1 | uniq -c`;
        await host`mkdir cg/a/b; cat cg/a/b/cgroup.controllers | wc -w`;
      },
    },
    inner: {
      title: 'Processes only at the leaves',
      run: async (lab) => {
        const { host } = lab;
        await using _ = await openHand(lab);
        await host`mkdir cg/a; sleep 60 &> /dev/null < /dev/null & echo $! > cg/a/cgroup.procs`;
        await host`mkdir cg/a/b; echo +memory > cg/cgroup.subtree_control`;
        await host`echo +memory > cg/a/cgroup.subtree_control`;
        await host`cat cg/a/cgroup.procs > cg/a/b/cgroup.procs`;
        await host`echo +memory > cg/a/cgroup.subtree_control`;
        await host`cat cg/a/b/cgroup.procs > cg/a/cgroup.procs`;
      },
    },
    one: {
      title: 'In one place, threads and all',
      run: async (lab) => {
        const { subject, host } = lab;
        await using _ = await openHand(lab);
        await using box = await subject.start();
        name(lab, 'box', box.cgroup.v2);
        await host`cat /proc/${box.pid}/cgroup; cat box/cgroup.procs`;
        await box.type('sleep 60 & cat /proc/self/cgroup');
        await host`cat box/cgroup.procs; ls box/tasks`;
        await host`cat box/cgroup.threads`;
        await host`mkdir cg/a; echo ${box.pid} > cg/a/cgroup.threads`;
      },
    },
    'two-percent': {
      title: 'Two percent of a processor',
      run: async (lab) => {
        const { subject, host, show } = lab;
        await using box = await subject.start({ limits: { cpu: { quota: 2000 } } });
        name(lab, 'box', box.cgroup.v2);
        await host`cat box/cpu.max`;
        await box.type(LOOP);
        await plotCpus(onlyV2(box.cgroup), { full: 0.1, lines: 8 }, show);
        await host`grep -E '^(nr_p|nr_t|thr)' box/cpu.stat; cat box/cpu.pressure`;
      },
    },
    'one-and-a-half': {
      title: 'One and a half, of two',
      run: async (lab) => {
        const { subject, host, show } = lab;
        await using first = await subject.start();
        const limits = { cpu: cpusLimit(1.5), cpuset: { cpus: twoOf(first) } };
        await using box = await subject.start({ limits });
        name(lab, 'box', box.cgroup.v2);
        await host`cat box/cpu.max box/cpuset.cpus`;
        for (const _ of [1, 2]) {
          await box.type(LOOP);
          await plotCpus(onlyV2(box.cgroup), { full: 2, lines: 4 }, show);
        }
      },
    },
    weight: {
      title: 'A share, where there is not enough',
      run: async ({ subject, show }) => {
        await using idle = await subject.start();
        const [cpu = 0] = parseCpuList(idle.cgroup.site.cpus);
        const withWeight = (weight: number) =>
          subject.start({ limits: { cpu: { weight }, cpuset: { cpus: String(cpu) } } });
        await using light = await withWeight(100);
        await using heavy = await withWeight(300);
        const both = [light, heavy].map((box) => onlyV2(box.cgroup));
        for (const box of [light, heavy]) await box.type(LOOP);
        const before = both.map(sampleCpu);
        await setTimeout(3000);
        const used = both.map((plan, i) => sampleCpu(plan).usage - (before[i]?.usage ?? 0));
        const sum = used.reduce((a, b) => a + b);
        const [one = 0, three = 0] = used.map((each) => Math.round((100 * each) / sum));
        show(`weight 100: ${one} of 100 microseconds\nweight 300: ${three}`);
      },
    },
    memory: {
      title: 'Who is killed',
      run: async (lab) => {
        const { subject, host, show } = lab;
        const memory = { max: 32 * MB, ...noSwap() };
        await using box = await subject.start({ limits: { memory } });
        name(lab, 'box', box.cgroup.v2);
        await box.type(TAKE);
        await host`cat box/memory.max box/memory.swap.max; grep oom box/memory.events`;
        const limits = { memory: { ...memory, oomGroup: true } };
        await using group = await subject.start({ limits });
        name(lab, 'box', group.cgroup.v2);
        await group.type(TAKE);
        const { signal } = await group.exited;
        show(`(the container has ended: ${signal})`);
        await host`grep oom box/memory.events`;
      },
    },
    high: {
      title: 'Slowed down, not killed',
      run: async (lab) => {
        const { subject, host } = lab;
        const limits = { memory: { high: 16 * MB, ...noSwap() } };
        await using box = await subject.start({ limits });
        name(lab, 'box', box.cgroup.v2);
        await box.type(`sh -c '${TAKE}' &`);
        await setTimeout(4000);
        await host`cat box/memory.high box/memory.current`;
        await host`grep -E '^(high|max|oom_kill) ' box/memory.events`;
        await host`cat box/memory.pressure`;
      },
    },
    bomb: {
      title: 'One hundred processes',
      run: async (lab) => {
        const { subject, host } = lab;
        await using box = await subject.start({ limits: { pids: { max: 32 } } });
        name(lab, 'box', box.cgroup.v2);
        await box.type(`${forks(100)} <&0 &`);
        await host`until grep -q 'max [1-9]' box/pids.events; do sleep 0.1; done`;
        await host`cat box/pids.max box/pids.current box/pids.events`;
      },
    },
    disk: {
      title: 'One MiB a second',
      run: async (lab) => {
        const { host, show } = lab;
        const disk = firstDisk();
        if (disk === null) {
          show('this machine shows no disk');
          return;
        }
        await using _ = await openHand(lab);
        await host`echo +io > cg/cgroup.subtree_control; mkdir cg/a`;
        await host`echo '${disk.number} rbps=1048576' > cg/a/io.max; cat cg/a/io.max`;
        await host`sh -c 'echo $$ > cg/a/cgroup.procs; dd if=/dev/${disk.name} of=/dev/null bs=1M count=3 iflag=direct'`;
        await host`cat cg/a/io.stat`;
      },
    },
    stop: {
      title: 'Stop, go on, end',
      run: async (lab) => {
        const { subject, host, show } = lab;
        await using box = await subject.start();
        name(lab, 'box', box.cgroup.v2);
        await box.type(LOOP);
        await host`echo 1 > box/cgroup.freeze; sleep 1; cat box/cgroup.events`;
        await host`for i in 1 2; do grep usage_usec box/cpu.stat; sleep 1; done`;
        await host`echo 1 > box/cgroup.kill; sleep 1; cat box/cgroup.events`;
        box.kill();
        show(`(the container has ended: ${(await box.exited).signal})`);
      },
    },
    outside: {
      title: 'The cgroup from both sides',
      run: async (lab) => {
        const { subject, host } = lab;
        const limits = { cpu: cpusLimit(0.5), memory: { max: 64 * MB } };
        await using box = await subject.start({ limits });
        name(lab, 'box', box.cgroup.v2);
        await host`head box/{cpu,memory,pids}.max`;
        if (subject.join) {
          const all = ['mount', 'pid', 'uts', 'ipc', 'network', 'cgroup'] as const;
          await using joined = await subject.join(box, { namespaces: all, argv: SLEEP });
          await host`grep -x ${joined.pid} box/cgroup.procs`;
        }
        await host`cat /proc/${box.pid}/cgroup`;
        await host`nsenter --target ${box.pid} --cgroup cat /proc/${box.pid}/cgroup`;
      },
    },
    reach: {
      title: 'Leave out the namespace, and the prctl',
      run: async (lab) => {
        const { subject, host } = lab;
        const mounts = subject.without('prctl(');
        const limits = { memory: { max: 32 * MB } };
        for (const each of [mounts.without('unshare('), mounts, subject]) {
          await using box = await each.start({ limits });
          name(lab, 'box', box.cgroup.v2);
          await box.type(mountTree('/tmp/cg'));
          await box.type('ls -d /tmp/cg/*/; cat /proc/self/cgroup');
          // Its own place in the tree, as it sees it: the line of version 2, without `0::`.
          await box.type('echo max > /tmp/cg$(sed -n s/^0:://p /proc/self/cgroup)/memory.max');
          await host`cat box/memory.max`;
        }
      },
    },
  },
  task: {
    lines: [
      'The container’s process must be born in container.cgroup, the version 2 half of it, with',
      'container.limits in force and a limit on processes where none is asked for, and see that cgroup',
      'as the root. In there nobody has CAP_SYS_ADMIN. `join` has to do the same for whoever joins.',
    ],
    before: 'call.gate(',
    hints: [
      'Directory and limits are the host’s half, and there before the process is. A process that is moved there has run before: who could put it there at its birth? What does a cgroup namespace take as its root, and when is the process there? And what would a shell of root’s have to do to get at the files of its own limits?',
      [
        'These are all that is new. In prepare the directory and the limits, as actions; what is asked for is in container.limits, which may be undefined, so that a default of your own goes before it:',
        "  import { cgroupActions } from '../lib/cgroups/actions.ts';",
        'container.cgroup is a plan for both versions; of it, the half that this lab is about, whose field v2 is the directory. launch takes it as cgroup, beside namespaces:',
        "  import { onlyV2 } from '../lib/cgroups/plan.ts';",
        'unshare(2) as the first line; prctl(2) before execute, in join as well:',
        "  import { CLONE_NEWCGROUP, PR_CAPBSET_DROP } from '../lib/kernel/constants.ts';",
        "  import { numberOfCapability } from '../lib/kernel/capabilities.ts';",
        'join is handed no plan. It has the pid, and /proc/PID/cgroup names the directory:',
        "  import { directoryOfCgroup, readMembership, V2 } from '../lib/observe/membership.ts';",
      ].join('\n'),
      [
        'const limits = { pids: { max: 2048 }, ...container.limits };',
        'const cgroup = onlyV2(container.cgroup);',
        'launch({ namespaces, cgroup: cgroup.v2 }, (call) => { call.unshare(CLONE_NEWCGROUP); …',
        "the last before execute: call.prctl(PR_CAPBSET_DROP, numberOfCapability('CAP_SYS_ADMIN'));",
        'prepare: […, ...cgroupActions(cgroup, limits)]',
        "join: launch({ cgroup: directoryOfCgroup(V2, readMembership(pid)[V2] ?? '/') }, …), the same prctl before execute.",
      ].join('\n'),
    ],
  },
});
