/** One half of a limit that has two is changed, and the kernel's files still show the other. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import type { Need } from '../../observe/needs.ts';
import { makeBundle, type TestBundle } from '../bundle.fixture.ts';
import type { Resources } from '../spec.ts';
import type { Stored } from './store.ts';

/** The files of a container that has been made with these limits. */
async function create(bundle: TestBundle, resources: Resources) {
  const { box, directory, id, root } = bundle;
  bundle.configure(({ process, linux }) => {
    process.args = ['sleep', '100'];
    linux.resources = resources;
  });
  expect((await box('create', '-b', directory, id)).stderr).toBe('');
  const state = readFileSync(join(root, id, 'state.json'), 'utf8');
  const { v1, v2 } = (JSON.parse(state) as Stored).cgroup;
  const at = (controller: string) => v1[controller] ?? v2 ?? '';
  return {
    at,
    read: (controller: string, file: string) =>
      readFileSync(join(at(controller), file), 'utf8').trim(),
  };
}

type Files = Awaited<ReturnType<typeof create>>;

function update({ box, directory, id }: TestBundle, resources: Resources) {
  const file = join(directory, 'resources.json');
  writeFileSync(file, JSON.stringify(resources));
  return box('update', '--resources', file, id);
}

const DONE = { status: 0, stderr: '' };
const MIB = 1 << 20;

const VERSIONS = [1, 2] as const;

describe.each(VERSIONS)('update in version %i', (version) => {
  const need = (controller: string): Need => `v${version}:${controller}`;

  itNeeds(
    ['root', need('cpu')],
    'of a period leaves the quota, of a quota the period',
    async () => {
      await using bundle = makeBundle();
      const files = await create(bundle, { cpu: { quota: 20_000, period: 50_000 } });
      const bandwidth = () => bandwidthIn(files, version);
      const { box, id } = bundle;
      expect(bandwidth()).toBe('20000 50000');
      expect(await box('update', '--cpu-period', '40000', id)).toMatchObject(DONE);
      expect(bandwidth()).toBe('20000 40000');
      expect(await box('update', '--cpu-quota', '30000', id)).toMatchObject(DONE);
      expect(bandwidth()).toBe('30000 40000');
      expect(await box('update', '--cpu-quota', '-1', id)).toMatchObject(DONE);
      expect(bandwidth()).toBe('max 40000');
    },
  );

  itNeeds(['root', need('cpu')], 'of quota and burst goes either way', async () => {
    await using bundle = makeBundle();
    const files = await create(bundle, { cpu: { quota: 20_000, period: 50_000 } });
    const burst = () => files.read('cpu', version === 1 ? 'cpu.cfs_burst_us' : 'cpu.max.burst');
    // A burst may not be more than the quota, at any moment.
    for (const cpu of [
      { quota: 10_000, burst: 9000 },
      { quota: 4000, burst: 3000 },
      { quota: 40_000, burst: 30_000 },
      { burst: 0 },
    ]) {
      expect(await update(bundle, { cpu })).toMatchObject(DONE);
      expect(burst()).toBe(String(cpu.burst));
    }
    expect(bandwidthIn(files, version)).toBe('40000 50000');
  });

  itNeeds(
    ['root', need('memory')],
    'of memory, or of memory and swap together, leaves the other',
    async () => {
      await using bundle = makeBundle();
      const files = await create(bundle, { memory: { limit: 64 * MIB, swap: 96 * MIB } });
      const limits = () => memoryIn(files, version);
      const { box, id } = bundle;
      expect(limits()).toEqual([64, 96]);
      expect(await box('update', '--memory-swap', String(128 * MIB), id)).toMatchObject(DONE);
      expect(limits()).toEqual([64, 128]);
      expect(await box('update', '--memory', String(100 * MIB), id)).toMatchObject(DONE);
      expect(limits()).toEqual([100, 128]);
      const more = await box('update', '--memory', String(200 * MIB), id);
      expect([more.status, more.stderr]).toEqual([1, expect.stringContaining('memory')]);
      const less = await box('update', '--memory-swap', String(50 * MIB), id);
      expect([less.status, less.stderr]).toEqual([1, expect.stringContaining('memory')]);
      expect(limits()).toEqual([100, 128]);
      expect(await box('update', '--memory', '-1', id)).toMatchObject(DONE);
      expect(limits()).toEqual([Infinity, Infinity]);
    },
  );

  itNeeds(['root', need('hugetlb')], 'of huge pages can take the limit away', async () => {
    await using bundle = makeBundle();
    const limit = 4 * MIB;
    const files = await create(bundle, { hugepageLimits: [{ pageSize: '2MB', limit }] });
    const word = version === 1 ? 'limit_in_bytes' : 'max';
    const read = (name: string) => numberOf(files.read('hugetlb', `hugetlb.2MB.${name}`));
    // Where reservations are counted, they are what a program is refused.
    const names = [word, `rsvd.${word}`].filter((name) =>
      existsSync(join(files.at('hugetlb'), `hugetlb.2MB.${name}`)),
    );
    expect(names.map(read)).toEqual(names.map(() => limit));
    const unlimited = { pageSize: '2MB', limit: 2 ** 64 };
    expect(await update(bundle, { hugepageLimits: [unlimited] })).toMatchObject(DONE);
    expect(names.map(read)).toEqual(names.map(() => Infinity));
  });
});

describe('limits of version 2', () => {
  itNeeds(['root', 'v2:io'], 'give a share of block I/O in the file that there is', async () => {
    await using bundle = makeBundle();
    const { read, at } = await create(bundle, { blockIO: { weight: 500 } });
    const ofBfq = existsSync(join(at('blkio'), 'io.bfq.weight'));
    const file = ofBfq ? 'io.bfq.weight' : 'io.weight';
    expect(read('blkio', file)).toBe(ofBfq ? 'default 500' : 'default 4950');
    expect(await bundle.box('update', '--blkio-weight', '1000', bundle.id)).toMatchObject(DONE);
    expect(read('blkio', file)).toBe(ofBfq ? 'default 1000' : 'default 10000');
  });

  itNeeds(['root', 'v2:io'], 'of one device are in force, or refused by its kernel', async () => {
    await using bundle = makeBundle();
    const { read, at } = await create(bundle, {});
    const file = existsSync(join(at('blkio'), 'io.bfq.weight')) ? 'io.bfq.weight' : 'io.weight';
    const [name = ''] = readdirSync('/sys/block');
    const number = name === '' ? '8:0' : readFileSync(`/sys/block/${name}/dev`, 'utf8').trim();
    const [major = 0, minor = 0] = number.split(':').map(Number);
    const weightDevice = [{ major, minor, weight: 1000 }];
    const { status, stderr } = await update(bundle, { blockIO: { weightDevice } });
    // A scheduler without weights has none.
    const seen = status === 0 ? read('blkio', file) : stderr;
    expect(seen).toContain(status === 0 ? `${number} ` : `"${number} `);
    expect(seen).toContain(status === 0 ? '1000' : file);
  });

  itNeeds(['root', 'v2:rdma'], 'of RDMA come to the kernel, which knows the devices', async () => {
    await using bundle = makeBundle();
    const { read } = await create(bundle, {});
    expect(read('', 'cgroup.controllers').split(' ')).toContain('rdma');
    const { status, stderr } = await update(bundle, { rdma: { none0: { hcaHandles: 3 } } });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/"none0 hca_handle=3".*rdma\.max/)]);
  });
});

const numberOf = (text: string): number =>
  text === 'max' || Number(text) > Number.MAX_SAFE_INTEGER ? Infinity : Number(text);

/** As cpu.max has it. */
function bandwidthIn({ read }: Files, version: 1 | 2): string {
  if (version === 2) return read('cpu', 'cpu.max');
  const quota = read('cpu', 'cpu.cfs_quota_us');
  return `${quota === '-1' ? 'max' : quota} ${read('cpu', 'cpu.cfs_period_us')}`;
}

/** Of memory, and of memory and swap together, in MiB. */
function memoryIn({ read }: Files, version: 1 | 2): number[] {
  const number = (file: string) => numberOf(read('memory', `memory.${file}`)) / MIB;
  if (version === 1) return [number('limit_in_bytes'), number('memsw.limit_in_bytes')];
  return [number('max'), number('max') + number('swap.max')];
}
