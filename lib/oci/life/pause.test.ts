/** A container that is told to stop while one of its processes cannot. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { startStuck } from '../../cgroups/stuck.fixture.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import { makeBundle, type TestBundle } from '../bundle.fixture.ts';
import { pauseContainer } from './pause.ts';
import type { Stored } from './store.ts';

interface Switch extends Disposable {
  freeze(): void;
  /** What the kernel says that it was told. */
  isAsked(): boolean;
}

/** Has that process in it. Disposed, it is thawed. */
async function startWith(bundle: TestBundle, pid: number): Promise<Switch> {
  bundle.configure(({ process }) => {
    process.args = ['sleep', '100'];
  });
  expect((await bundle.box('run', '-d', '-b', bundle.directory, bundle.id)).stderr).toBe('');
  const state = readFileSync(join(bundle.root, bundle.id, 'state.json'), 'utf8');
  const { v1, v2 } = (JSON.parse(state) as Stored).cgroup;
  const directory = v1.freezer ?? v2 ?? '';
  writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  const [file, asked, on, off] = v1.freezer
    ? ['freezer.state', 'freezer.self_freezing', 'FROZEN', 'THAWED']
    : ['cgroup.freeze', 'cgroup.freeze', '1', '0'];
  return {
    freeze: () => writeFileSync(join(directory, file), on),
    isAsked: () => readFileSync(join(directory, asked), 'utf8') === '1\n',
    [Symbol.dispose]: () => writeFileSync(join(directory, file), off),
  };
}

const statusOf = async ({ box, id }: TestBundle) =>
  (JSON.parse((await box('state', id)).stdout) as { status: string }).status;

describe('a container that does not stop wholly', () => {
  itNeeds(['root', 'fuse'], 'runs on when pause gives up', async () => {
    await using bundle = makeBundle();
    await using stuck = await startStuck();
    using it = await startWith(bundle, stuck.pid);
    await expect(pauseContainer(bundle.root, bundle.id, 100)).rejects.toThrow('not frozen');
    expect([it.isAsked(), await statusOf(bundle)]).toEqual([false, 'running']);
    expect(await bundle.box('exec', bundle.id, 'true')).toMatchObject({ status: 0 });
  });

  itNeeds(['root', 'fuse'], 'is paused where pause was killed meanwhile, and resumed', async () => {
    await using bundle = makeBundle();
    await using stuck = await startStuck();
    using it = await startWith(bundle, stuck.pid);
    it.freeze();
    expect(await statusOf(bundle)).toBe('paused');
    expect(await bundle.box('resume', bundle.id)).toMatchObject({ status: 0, stderr: '' });
    expect([it.isAsked(), await statusOf(bundle)]).toEqual([false, 'running']);
  });

  itNeeds(
    ['root', 'v1:freezer', 'cgroup-v2'],
    'goes on in version 2 too, where somebody has stopped it there',
    async () => {
      await using bundle = makeBundle();
      const { box, id, directory, root } = bundle;
      bundle.configure(({ process }) => {
        process.args = ['sleep', '100'];
      });
      await box('run', '-d', '-b', directory, id);
      const state = readFileSync(join(root, id, 'state.json'), 'utf8');
      const file = join((JSON.parse(state) as Stored).cgroup.v2 ?? '', 'cgroup.freeze');
      writeFileSync(file, '1');
      expect(await statusOf(bundle)).toBe('paused');
      expect(await box('resume', id)).toMatchObject({ status: 0, stderr: '' });
      expect([readFileSync(file, 'utf8'), await statusOf(bundle)]).toEqual(['0\n', 'running']);
    },
  );
});
