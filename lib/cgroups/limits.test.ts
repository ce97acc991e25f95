/** Limits as the kernel enforces them, on whichever version this machine has each controller. */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import type { Need } from '../observe/needs.ts';
import { actionsSeen } from './actions.fixture.ts';
import { openBox, planFor } from './container.fixture.ts';
import { measureCpus, watchCpus } from './cpu-use.ts';
import { cpusLimit, type Limits } from './limits.ts';
import { untilEmpty } from './members.ts';
import { readStatistics } from './statistics.ts';

const MB = 1024 * 1024;

const LOOP = 'while :; do :; done';

/** One more process than a shell that waits for children has. */
const FORKS = 'for i in 1 2 3 4 5 6 7 8; do sleep 2 & done; echo $(jobs | wc -l)';

/** Takes all the memory that it gets: a line without an end. Alone, so that the kernel has no choice. */
const HOG = 'exec tail /dev/zero';

describe.each([1, 2] as const)('in version %i', (version) => {
  const has = (...names: string[]): Need[] => [
    'root',
    ...names.map((name): Need => `v${version}:${name}`),
  ];
  const open = (limits: Limits) => openBox(planFor(version), limits);

  itNeeds(has('cpu'), 'a quota is what busy loops get in each period, together', async () => {
    await using box = await open({ cpu: cpusLimit(0.2) });
    await box.start(LOOP);
    await box.start(LOOP);
    // What a machine with other work has to give may be less than the quota, and never is more.
    expect(await measureCpus(box.plan, 1000)).toBeGreaterThan(0);
    const cpu = () => readStatistics(box.plan).cpu;
    while ((cpu()?.throttled ?? 0) < 5) await setTimeout(50);
    const { usage = 0, periods } = cpu() ?? {};
    expect(usage / (periods ?? 0)).toBeLessThan(1.5 * 20_000);
    expect(cpu()?.throttledTime).toBeGreaterThan(0);
  });

  itNeeds(has('cpu'), 'processor time can be watched until the cgroup goes', async () => {
    const box = await open({});
    await box.start(LOOP);
    let used = 0;
    for await (const cpus of watchCpus(box.plan, 100)) {
      if (cpus > 0 && ++used === 2) await box[Symbol.asyncDispose]();
    }
    expect(used).toBe(2);
  });

  itNeeds(has('cpuset'), 'a processor that is not in the set is not run on', async () => {
    await using box = await open({ cpuset: { cpus: '0' } });
    const { stdout } = await box.run('grep Cpus_allowed_list /proc/self/status');
    expect(stdout.trim()).toMatch(/\t0$/);
  });

  itNeeds(
    has('memory'),
    'who takes more memory than there may be is killed and counted',
    async () => {
      await using box = await open({ memory: { max: 32 * MB } });
      expect((await box.run(HOG)).exit).toEqual({ signal: 'SIGKILL' });
      const { memory } = readStatistics(box.plan);
      expect(memory).toMatchObject({ max: 32 * MB, oomKills: 1 });
      expect(memory?.peak).toBeLessThanOrEqual(32 * MB);
      expect(memory?.maxEvents).toBeGreaterThan(0);
    },
  );

  itNeeds(has('pids'), 'a fork past the limit is refused and counted', async () => {
    await using box = await open({ pids: { max: 5 } });
    const { stdout, stderr } = await box.run(FORKS);
    expect(stdout + stderr).toMatch(/fork/i);
    const { pids } = readStatistics(box.plan);
    expect(pids).toMatchObject({ max: 5, peak: 5 });
    expect(pids?.maxEvents).toBeGreaterThan(0);
  });

  itNeeds(
    has('cpu', 'memory', 'pids', 'cpuset'),
    'each limit is there when it is done',
    async () => {
      const limits: Limits = {
        cpu: { quota: 25_000, period: 50_000, weight: 50 },
        cpuset: { cpus: '0' },
        memory: { max: 64 * MB, swap: 0 },
        pids: { max: 7 },
      };
      await actionsSeen(planFor(version), limits);
    },
  );

  itNeeds(has('hugetlb'), 'huge pages are limited where systemd does not keep them', async () => {
    const [size = ''] = Object.keys(hugePages());
    const plan = planFor(version);
    const seen = actionsSeen(plan, { hugetlb: { [size]: 0 } });
    if (version === 1 || plan.site.unit === null) await seen;
    else await expect(seen).rejects.toThrow(/systemd, in whose .* we are, hands no hugetlb down$/);
  });

  itNeeds(has(version === 1 ? 'blkio' : 'io'), 'a device is written more slowly', async () => {
    const device = blockDevice();
    if (device === null) return;
    await actionsSeen(planFor(version), { io: { max: [{ device, wbps: MB, riops: 100 }] } });
  });
});

itNeeds(['root', 'v2:memory'], 'with oom.group one that is killed takes all along', async () => {
  await using box = await openBox(planFor(2), { memory: { max: 32 * MB, oomGroup: true } });
  const child = await box.start(`sleep 1000 & ${HOG}`);
  expect(await child.exited).toEqual({ signal: 'SIGKILL' });
  await untilEmpty(box.plan);
});

itNeeds(['root', 'v2:memory'], 'past memory.high nobody is killed, but all wait', async () => {
  await using box = await openBox(planFor(2), { memory: { high: 16 * MB } });
  await box.start(HOG);
  const events = () => readFileSync(`${box.plan.v2}/memory.events`, 'utf8');
  while (!/^high [1-9]/m.test(events())) await setTimeout(10);
  expect(events()).toMatch(/^oom_kill 0$/m);
});

itNeeds(
  ['root', 'cgroup-v2'],
  'a limit that is not there is refused before anything is',
  async () => {
    const plan = { ...planFor(2) };
    const site = { ...plan.site, v2: plan.site.v2 && { ...plan.site.v2, controllers: [] } };
    await expect(openBox({ ...plan, site }, { pids: { max: 1 } })).rejects.toThrow(/^pids: /);
  },
);

function hugePages(): Record<string, number> {
  const size = /^Hugepagesize:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return { [`${Number(size) / 1024}MB`]: Number(size) * 1024 };
}

/** Major and minor number of a whole disk. */
function blockDevice(): string | null {
  const line = readFileSync('/proc/diskstats', 'utf8')
    .split('\n')
    .map((each) => each.trim().split(/\s+/))
    .find(([, , name = '']) => /^(vd[a-z]|sd[a-z]|nvme\d+n\d+|loop0)$/.test(name));
  return line ? `${line[0]}:${line[1]}` : null;
}
