/** Which cgroup another process gets into, where the container has made cgroups of its own. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { makeBundle, type TestBundle } from '../bundle.fixture.ts';
import type { Stored } from './store.ts';

interface Inner {
  pid: number;
  /** The container's directory in version 2. */
  directory: string;
}

/** As an init system in it does: its process in a cgroup below, a controller handed down. */
async function startNested(bundle: TestBundle): Promise<Inner> {
  const { box, directory: at, id, root } = bundle;
  bundle.configure(({ process }) => {
    process.args = ['sleep', '100'];
  });
  expect((await box('run', '-d', '-b', at, id)).stderr).toBe('');
  const { init, cgroup } = JSON.parse(readFileSync(join(root, id, 'state.json'), 'utf8')) as Stored;
  const [pid, directory] = [init?.pid ?? 0, cgroup.v2 ?? ''];
  mkdirSync(join(directory, 'init'));
  writeFileSync(join(directory, 'init/cgroup.procs'), String(pid));
  writeFileSync(join(directory, 'cgroup.subtree_control'), '+hugetlb');
  return { pid, directory };
}

const v2Line = (text: string) => text.split('\n').find((line) => line.startsWith('0::'));

describe('another process, where the container’s cgroup hands controllers down', () => {
  itNeeds(['root', 'v2:hugetlb'], 'joins the first one where that is now', async () => {
    await using bundle = makeBundle();
    await startNested(bundle);
    const { status, stdout, stderr } = await bundle.box(
      'exec',
      bundle.id,
      'cat',
      '/proc/1/cgroup',
      '/proc/self/cgroup',
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.split('\n').filter((line) => line.startsWith('0::'))).toEqual([
      '0::/init',
      '0::/init',
    ]);
  });

  itNeeds(['root', 'v2:hugetlb'], 'follows nobody out of it', async () => {
    await using bundle = makeBundle();
    const { pid, directory } = await startNested(bundle);
    // A name that begins as the container’s own does.
    const outside = `${directory}-outside`;
    mkdirSync(outside);
    try {
      writeFileSync(join(outside, 'cgroup.procs'), String(pid));
      const { status, stderr } = await bundle.box('exec', bundle.id, 'true');
      expect([status, stderr]).toEqual([255, expect.stringMatching(/EBUSY.*cgroups of its own/)]);
      expect(v2Line(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))).toMatch(/-outside$/);
    } finally {
      writeFileSync(join(dirname(directory), 'cgroup.procs'), String(pid));
      rmdirSync(outside);
    }
  });
});
