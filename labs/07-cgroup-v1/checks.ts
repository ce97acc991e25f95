/**
 * Evidence for lab 07: the container's processes, and no others, are in its own directory of each
 * version 1 hierarchy; what was asked for stands in the files there and is kept, as the kernel's
 * own counters tell; it sees its cgroup as the root and can mount nothing. So does whoever joins.
 * proc_pid_cgroup(5), cgroup_namespaces(7), the kernel's Documentation/admin-guide/cgroup-v1
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { cpusLimit, type Limits, type MemoryLimits } from '../../lib/cgroups/limits.ts';
import { membersOf } from '../../lib/cgroups/members.ts';
import { noSwap } from '../../lib/cgroups/no-swap.ts';
import { type CgroupPlan, onlyV1, v1Directories } from '../../lib/cgroups/plan.ts';
import { readStatistics } from '../../lib/cgroups/statistics.ts';
import { numberOfCapability } from '../../lib/kernel/capabilities.ts';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { differingNamespaces } from '../../lib/namespaces/joining.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import { readMembership } from '../../lib/observe/membership.ts';
import { namespaceInode } from '../../lib/observe/namespaces.ts';
import { processesWithEnv, readStatus } from '../../lib/observe/process.ts';
import { countForks, MB, TAKE, TAKEN } from './attack.ts';

const SLEEP = ['/bin/sleep', '60'];
const LIMITS = {
  cpu: cpusLimit(0.5),
  cpuset: { cpus: '0' },
  memory: { max: 32 * MB },
  pids: { max: 32 },
} satisfies Limits;

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  yield* checkPlain(subject);
  const memory = { ...LIMITS.memory, ...noSwap() };
  const box = await subject.start({ limits: { ...LIMITS, memory } });
  const plan = onlyV1(box.cgroup);
  try {
    yield written(plan, memory);
    yield await outOfMemory(box, plan);
    yield await refused(box, plan);
  } finally {
    await box.end();
  }
  yield removed(plan);
  await using slow = await subject.start({ limits: { cpu: { quota: QUOTA } } });
  yield await slowed(slow, onlyV1(slow.cgroup));
}

async function* checkPlain(subject: Subject): AsyncGenerator<Finding> {
  await using box = await subject.start();
  const plan = onlyV1(box.cgroup);
  yield inEach(box, plan);
  await box.type('sleep 60 <&0 & sleep 60 <&0 &');
  // On its way through execve a process has no environment, by which it is known here.
  for (const pid of membersOf(plan)) await untilAsleep(pid);
  yield nobodyElse(box, plan);
  yield someLimit(plan);
  yield ownNamespace(box, subject);
  yield await rootOfView(box, plan, subject);
  yield mountsNothing(box.pid, 'the container’s');
  if (!subject.join) return;
  const namespaces = differingNamespaces(box.pid, subject.host.pid);
  await using joined = await subject.join(box, { namespaces, argv: SLEEP });
  yield sameCgroups(joined, box);
  yield mountsNothing(joined.pid, 'a joining process’s');
}

/** Hierarchies in which `pid` is in the container's own directory. */
function listInside(pid: number, plan: CgroupPlan): string {
  const membership = readMembership(pid);
  const names = Object.keys(plan.v1).filter((name) => membership[name]?.endsWith(`/${plan.id}`));
  return names.join(' ') || 'none';
}

function inEach({ pid }: Running, plan: CgroupPlan): Finding {
  return compare('it is in a cgroup of its own in each hierarchy', {
    expected: Object.keys(plan.v1).join(' '),
    seen: listInside(pid, plan),
    where: `/proc/${pid}/cgroup`,
    hint: 'a directory is made in each hierarchy, and the process has to be written into each: enterCgroup',
  });
}

function nobodyElse({ id }: Running, plan: CgroupPlan): Finding {
  const own = processesWithEnv('container', id);
  const count = (pids: readonly number[]) => `${pids.length} processes`;
  const members = membersOf(plan);
  const same = members.join() === own.sort((a, b) => a - b).join();
  return judge('what it starts is in there as well, and nobody else is', same, {
    expected: `${own.join(' ')}`,
    seen: members.join(' ') || 'nobody',
    where: `cgroup.procs in ${v1Directories(plan)[0]} and the others`,
    hint: `the container has ${count(own)}, the cgroups have ${count(members)}`,
  });
}

function someLimit({ v1 }: CgroupPlan): Finding {
  const path = `${v1.pids}/pids.max`;
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
    hint: 'unshare(CLONE_NEWCGROUP), once it is in its cgroup',
  });
}

/** Asked as somebody in that namespace would see it. */
async function rootOfView({ pid }: Running, plan: CgroupPlan, { host }: Subject) {
  const argv = ['nsenter', `--target=${pid}`, '--cgroup', 'cat', `/proc/${pid}/cgroup`];
  const lines = (await host.run(argv)).split('\n').map((line) => line.split(':'));
  const shown = Object.keys(plan.v1).map((name) => {
    const [, , path = 'nothing'] =
      lines.find(([, names]) => names?.split(',').includes(name)) ?? [];
    return `${name} ${path}`;
  });
  return compare('in that namespace its own cgroup is the root', {
    expected: Object.keys(plan.v1)
      .map((name) => `${name} /`)
      .join(', '),
    seen: shown.join(', '),
    where: argv.join(' '),
    hint: 'the root of the namespace is where the process was when it was made: enter first',
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

function sameCgroups(joined: Running, { pid, cgroup }: Running): Finding {
  const plan = onlyV1(cgroup);
  return compare('whoever joins is in the container’s cgroups', {
    expected: listInside(pid, plan),
    seen: listInside(joined.pid, plan),
    where: `/proc/${joined.pid}/cgroup`,
    hint: 'setns joins no cgroup: write into each cgroup.procs before the host’s mounts are gone',
  });
}

function written({ v1 }: CgroupPlan, { max, swap }: MemoryLimits & { max: number }): Finding {
  const { cpu, cpuset, pids } = LIMITS;
  const files: [string, number | string][] = [
    [`${v1.cpu}/cpu.cfs_quota_us`, cpu.quota],
    [`${v1.cpu}/cpu.cfs_period_us`, cpu.period],
    [`${v1.cpuset}/cpuset.cpus`, cpuset.cpus],
    [`${v1.memory}/memory.limit_in_bytes`, max],
    [`${v1.pids}/pids.max`, pids.max],
  ];
  // Version 1 counts it with the memory.
  if (swap !== undefined) files.push([`${v1.memory}/memory.memsw.limit_in_bytes`, max + swap]);
  return compare('what it may use at most stands in the files', {
    expected: files.map(([, value]) => value).join(' '),
    seen: files.map(([path]) => readIfThere(path)).join(' '),
    where: files.map(([path]) => path).join(' '),
    hint: 'cgroupActions(cgroup, limits) writes container.limits, each as an action',
  });
}

async function outOfMemory(box: Running, plan: CgroupPlan): Promise<Finding> {
  const taken = await box.type(TAKE);
  const alive = (await box.type('echo alive')).trim();
  const { memory } = readStatistics(plan);
  // Not failcnt: who meets the limit of memory and swap together is counted elsewhere, or nowhere.
  const peak = memory?.peak ?? null;
  const bounded = peak !== null && peak <= LIMITS.memory.max;
  const held = !taken.includes(TAKEN) && memory?.oomKills === 1 && bounded;
  return judge('who takes more memory than allowed is killed, alone', held && alive === 'alive', {
    expected: `oom_kill 1, never more than ${LIMITS.memory.max} bytes, the shell beside it alive`,
    seen: `oom_kill ${memory?.oomKills ?? 'absent'}, at most ${peak ?? 'unknown'} bytes, the shell ${alive || 'gone'}`,
    where: `${plan.v1.memory}/memory.oom_control and memory.max_usage_in_bytes, after ${TAKE}`,
    hint: 'the process that took 64 MB was not in the cgroup, or has no limit there',
  });
}

async function refused(box: Running, plan: CgroupPlan): Promise<Finding> {
  await countForks(box, 40);
  const { pids } = readStatistics(plan);
  const held = (pids?.maxEvents ?? 0) > 0 && (pids?.current ?? 99) <= LIMITS.pids.max;
  return judge('a process too many is not started', held, {
    expected: `at most ${LIMITS.pids.max}, max above 0`,
    seen: `${pids?.current ?? 'none'} now, max ${pids?.maxEvents ?? 'absent'}`,
    where: `${plan.v1.pids}/pids.current and pids.events, after 40 forks`,
    hint: 'pids.max counts processes and threads of the cgroup and all below it',
  });
}

const QUOTA = 2000;
const PERIODS = 20;
/** The longest tick of a clock that kernels have. */
const TICK = 10_000;
const DEADLINE_MS = 60_000;

/**
 * Counted in the quota's own periods: on a machine with other work to do less is used, never more, and
 * not each of them ends with the loop standing still. A tick of the clock may go past a period's end,
 * and is paid back in the next one: hence the half, and the one period, on top of the quotas.
 */
async function slowed(box: Running, plan: CgroupPlan): Promise<Finding> {
  const cpu = () => readStatistics(plan).cpu;
  const first = cpu();
  // It does not end by itself, and nothing is waited for.
  void box.type('while :; do :; done');
  const deadline = performance.now() + DEADLINE_MS;
  const since = (what: 'usage' | 'periods' | 'throttled') =>
    (cpu()?.[what] ?? 0) - (first?.[what] ?? 0);
  const enough = () => since('throttled') > 0 && since('periods') >= PERIODS;
  while (!enough() && performance.now() < deadline) await setTimeout(50);
  const [usage, periods, throttled] = [since('usage'), since('periods'), since('throttled')];
  const bound = 1.5 * QUOTA * (periods + 1) + TICK;
  return judge('a busy loop is stopped when its quota is used up', throttled > 0 && usage < bound, {
    expected: `stopped in 1 or more of them, less than ${bound} µs in all, where the quota is ${QUOTA} in each`,
    seen: `stopped in ${throttled} of ${periods} periods, ${Math.round(usage)} µs in all`,
    where: `${plan.v1.cpu}/cpu.stat and ${plan.v1.cpuacct}/cpuacct.usage`,
    hint: 'cpu.cfs_quota_us of cpu.cfs_period_us, in the directory that the loop is in',
  });
}

function removed(plan: CgroupPlan): Finding {
  const left = v1Directories(plan).filter((path) => existsSync(path));
  return compare('with the container its cgroups go', {
    expected: 'none is left',
    seen: left.join(' ') || 'none is left',
    where: v1Directories(plan).join(' '),
    hint: 'makeCgroup is an action that undoes itself; mkdir by hand is not',
  });
}

const readIfThere = (path: string): string =>
  existsSync(path) ? readFileSync(path, 'utf8').trim() : 'no such file';
