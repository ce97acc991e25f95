/**
 * Evidence for lab 08: the container's processes, and no others, are in its own directory of the one
 * tree; what was asked for stands in the files there and is kept, as the kernel's own counters tell;
 * it sees its cgroup as the root and can mount nothing. So does whoever joins.
 * proc_pid_cgroup(5), cgroup_namespaces(7), the kernel's Documentation/admin-guide/cgroup-v2.rst
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseCpuList } from '../../lib/cgroups/cpu-list.ts';
import { cpusLimit, type Limits, type MemoryLimits } from '../../lib/cgroups/limits.ts';
import { membersOf } from '../../lib/cgroups/members.ts';
import { noSwap } from '../../lib/cgroups/no-swap.ts';
import { type CgroupPlan, onlyV2 } from '../../lib/cgroups/plan.ts';
import { readStatistics } from '../../lib/cgroups/statistics.ts';
import { numberOfCapability } from '../../lib/kernel/capabilities.ts';
import { SyscallError } from '../../lib/kernel/syscall-error.ts';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { differingNamespaces } from '../../lib/namespaces/joining.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import { directoryOfCgroup, readMembership, V2 } from '../../lib/observe/membership.ts';
import { namespaceInode } from '../../lib/observe/namespaces.ts';
import { processesWithEnv, readStatus } from '../../lib/observe/process.ts';
import { countForks, MB, TAKE, TAKEN } from '../07-cgroup-v1/attack.ts';

const SLEEP = ['/bin/sleep', '60'];
const LIMITS = {
  cpu: { ...cpusLimit(0.5), weight: 50 },
  memory: { max: 32 * MB },
  pids: { max: 32 },
} satisfies Limits;

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  let cpus = '0';
  {
    await using box = await subject.start();
    const plan = onlyV2(box.cgroup);
    cpus = String(parseCpuList(plan.site.cpus)[0] ?? 0);
    const inside = inItsOwn(box, plan);
    yield inside;
    if (!inside.held) return;
    yield* checkPlain(subject, box, plan);
  }
  yield await bornInside(subject);
  const memory = { ...LIMITS.memory, ...noSwap() };
  const box = await subject.start({ limits: { ...LIMITS, memory, cpuset: { cpus } } });
  const plan = onlyV2(box.cgroup);
  try {
    yield written(plan, cpus, memory);
    yield await outOfMemory(box, plan);
    yield await refused(box, plan);
    yield await slowed(box, plan);
  } finally {
    await box.end();
  }
  yield removed(plan);
}

async function* checkPlain(
  subject: Subject,
  box: Running,
  plan: CgroupPlan,
): AsyncGenerator<Finding> {
  await box.type('sleep 60 & sleep 60 &');
  // On its way through execve a process has no environment to be found by.
  for (const pid of membersOf(plan)) await untilAsleep(pid);
  yield nobodyElse(box, plan);
  yield someLimit(plan);
  yield ownNamespace(box, subject);
  yield await rootOfView(box, subject);
  yield mountsNothing(box.pid, 'the container’s');
  if (!subject.join) return;
  const namespaces = differingNamespaces(box.pid, subject.host.pid);
  await using joined = await subject.join(box, { namespaces, argv: SLEEP });
  yield sameCgroup(joined, box);
  yield mountsNothing(joined.pid, 'a joining process’s');
}

const directoryOf = (pid: number) =>
  directoryOfCgroup(V2, readMembership(pid)[V2] ?? '/') ?? 'none';

function inItsOwn({ pid }: Running, { v2 }: CgroupPlan): Finding {
  return compare('it is in a cgroup of its own', {
    expected: v2 ?? 'a directory in the tree of version 2',
    seen: directoryOf(pid),
    where: `/proc/${pid}/cgroup`,
    hint: 'launch({ cgroup }) clones the process into the directory that cgroupActions has made',
  });
}

/**
 * Where no process may be at all, none can be cloned, which the limit is asked about; one that is
 * there already can be moved in, which it is not. cgroup-v2.rst, "PID"
 */
async function bornInside(subject: Subject): Promise<Finding> {
  return compare('it is born there: where a cgroup may have no process, none begins', {
    expected: 'clone3: EAGAIN',
    seen: await startAmongNone(subject),
    where: 'a start with pids.max of 0',
    hint: 'launch({ cgroup }) clones it there; one that was moved has run outside of every limit before',
  });
}

async function startAmongNone(subject: Subject): Promise<string> {
  try {
    await using box = await subject.start({ limits: { pids: { max: 0 } } });
    const { pids } = readStatistics(onlyV2(box.cgroup));
    return `it runs, pids.current is ${pids?.current} and pids.max ${pids?.max}`;
  } catch (error) {
    const cause = error instanceof SyscallError ? error : (error as Error).cause;
    if (!(cause instanceof SyscallError) || cause.syscall !== 'clone3') throw error;
    return `clone3: ${cause.code}`;
  }
}

function nobodyElse({ id }: Running, plan: CgroupPlan): Finding {
  const own = processesWithEnv('container', id).sort((a, b) => a - b);
  const members = membersOf(plan);
  return compare('what it starts is in there as well, and nobody else is', {
    expected: own.join(' '),
    seen: members.join(' ') || 'nobody',
    where: `${plan.v2}/cgroup.procs`,
    hint: `the container has ${own.length} processes, the cgroup has ${members.length}`,
  });
}

function someLimit({ v2 }: CgroupPlan): Finding {
  const path = `${v2}/pids.max`;
  const text = readIfThere(path);
  return judge('without being asked it limits the number of processes', /^\d+$/.test(text), {
    expected: 'a number',
    seen: text,
    where: path,
    hint: 'the kernel begins with max: a runtime has a default, which `limits` may replace',
  });
}

function ownNamespace({ pid }: Running, { host }: Subject): Finding {
  const [own, theirs] = [namespaceInode(pid, 'cgroup'), namespaceInode(host.pid, 'cgroup')];
  return judge('its cgroup namespace is not the host’s', own !== theirs, {
    expected: `another than ${theirs}`,
    seen: String(own),
    where: `/proc/${pid}/ns/cgroup`,
    hint: 'unshare(CLONE_NEWCGROUP), by the process itself: the clone would take its parent’s place',
  });
}

/** Asked as somebody in that namespace would see it. */
async function rootOfView({ pid }: Running, { host }: Subject): Promise<Finding> {
  const argv = ['nsenter', `--target=${pid}`, '--cgroup', 'cat', `/proc/${pid}/cgroup`];
  const lines = (await host.run(argv)).split('\n');
  return compare('in that namespace its own cgroup is the root', {
    expected: '0::/',
    seen: lines.find((line) => line.startsWith('0::')) ?? 'no such line',
    where: argv.join(' '),
    hint: 'the root of the namespace is where the process was when it was made',
  });
}

const SYS_ADMIN = 1n << BigInt(numberOfCapability('CAP_SYS_ADMIN'));

function mountsNothing(pid: number, whose: string): Finding {
  const { capEff, capBnd } = readStatus(pid);
  const has = (mask: bigint) => (mask & SYS_ADMIN ? 'has it' : 'has not');
  return compare(`CAP_SYS_ADMIN is out of ${whose} reach`, {
    expected: 'CapEff has not, CapBnd has not',
    seen: `CapEff ${has(capEff)}, CapBnd ${has(capBnd)}`,
    where: `/proc/${pid}/status`,
    hint: 'prctl(PR_CAPBSET_DROP) before execve, which gives root all that the bounding set has',
  });
}

function sameCgroup(joined: Running, box: Running): Finding {
  return compare('who joins the container is in its cgroup', {
    expected: directoryOf(box.pid),
    seen: directoryOf(joined.pid),
    where: `/proc/${joined.pid}/cgroup`,
    hint: 'setns joins no cgroup: launch({ cgroup }) with the directory that the container is in',
  });
}

function written({ v2 }: CgroupPlan, cpus: string, { max, swap }: MemoryLimits): Finding {
  const { cpu, pids } = LIMITS;
  const files: [string, number | string][] = [
    ['cpu.max', `${cpu.quota} ${cpu.period}`],
    ['cpu.weight', cpu.weight],
    ['cpuset.cpus', cpus],
    ['memory.max', max ?? 'max'],
    ['pids.max', pids.max],
  ];
  if (swap !== undefined) files.push(['memory.swap.max', swap]);
  return compare('what it may use at most stands in the files', {
    expected: files.map(([, value]) => value).join(', '),
    seen: files.map(([name]) => readIfThere(`${v2}/${name}`)).join(', '),
    where: `${v2}/{${files.map(([name]) => name).join()}}`,
    hint: 'cgroupActions(cgroup, limits) writes container.limits, each as an action',
  });
}

async function outOfMemory(box: Running, plan: CgroupPlan): Promise<Finding> {
  const taken = await box.type(TAKE);
  const alive = (await box.type('echo alive')).split('\n').at(-1);
  const { memory } = readStatistics(plan);
  const killed = !taken.includes(TAKEN) && memory?.oomKills === 1;
  return judge('who takes more memory than allowed is killed, alone', killed && alive === 'alive', {
    expected: 'oom_kill 1, the shell beside it alive',
    seen: `oom_kill ${memory?.oomKills ?? 'absent'}, the shell ${alive || 'gone'}`,
    where: `${plan.v2}/memory.events, after ${TAKE}`,
    hint: 'the process that took 64 MB was not in the cgroup, or has no limit there',
  });
}

async function refused(box: Running, plan: CgroupPlan): Promise<Finding> {
  await countForks(box, 40, plan);
  const { pids } = readStatistics(plan);
  const held = (pids?.maxEvents ?? 0) > 0 && (pids?.current ?? 99) <= LIMITS.pids.max;
  return judge('a process too many is not started', held, {
    expected: `at most ${LIMITS.pids.max}, max above 0`,
    seen: `${pids?.current ?? 'none'} now, max ${pids?.maxEvents ?? 'absent'}`,
    where: `${plan.v2}/pids.current and pids.events, after 40 forks`,
    hint: 'pids.max counts processes and threads of the cgroup and all below it',
  });
}

const PERIODS = 10;
const DEADLINE_MS = 60_000;

/**
 * Counted in the quota's own periods: on a machine with other work to do less is used, never more, and
 * not each of them ends with the loop standing still. A tick of the clock may go past a period's end,
 * and is paid back in the next one: hence the half, and the one period, on top of the quotas.
 */
async function slowed(box: Running, plan: CgroupPlan): Promise<Finding> {
  const cpu = () => readStatistics(plan).cpu;
  const first = cpu();
  // In a process that was there before: the limit on processes has been used up.
  void box.type('while :; do :; done');
  const deadline = performance.now() + DEADLINE_MS;
  const since = (what: 'usage' | 'periods' | 'throttled') =>
    (cpu()?.[what] ?? 0) - (first?.[what] ?? 0);
  const enough = () => since('throttled') > 0 && since('periods') >= PERIODS;
  while (!enough() && performance.now() < deadline) await setTimeout(50);
  const [usage, periods, throttled] = [since('usage'), since('periods'), since('throttled')];
  const { quota } = LIMITS.cpu;
  const bound = 1.5 * quota * (periods + 1);
  return judge('a busy loop is stopped when its quota is used up', throttled > 0 && usage < bound, {
    expected: `stopped in 1 or more of them, less than ${bound} µs in all, where the quota is ${quota} in each`,
    seen: `stopped in ${throttled} of ${periods} periods, ${Math.round(usage)} µs in all`,
    where: `${plan.v2}/cpu.stat`,
    hint: 'cpu.max is a quota and a period, in the directory that the loop is in',
  });
}

function removed({ v2 }: CgroupPlan): Finding {
  return compare('with the container its cgroup goes', {
    expected: 'gone',
    seen: v2 !== null && existsSync(v2) ? 'still there' : 'gone',
    where: v2 ?? 'no directory',
    hint: 'makeCgroup is an action that undoes itself; mkdir by hand is not',
  });
}

const readIfThere = (path: string): string =>
  existsSync(path) ? readFileSync(path, 'utf8').trim() : 'no such file';
