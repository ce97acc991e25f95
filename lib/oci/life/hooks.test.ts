import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { makeBundle, type TestBundle } from '../bundle.fixture.ts';
import type { HookName, Spec } from '../spec.ts';

/** All but startContainer's are found on the host, that one in the container, which has /out. */
const HOOKS: readonly HookName[] = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
];

/** Each writes a line: its name, the state that it was given, where it is. */
function addHooks({ directory }: TestBundle, spec: Required<Spec>): void {
  spec.mounts.push({ destination: '/out', type: 'bind', source: directory, options: ['bind'] });
  for (const name of HOOKS) {
    const out = name === 'startContainer' ? '/out' : directory;
    const script = `read -r state; printf '%s|%s|%s\\n' ${name} "$state" "$(readlink /proc/self/ns/mnt)" >> ${out}/lines`;
    const env = ['PATH=/usr/bin:/bin'];
    spec.hooks = {
      ...spec.hooks,
      [name]: [{ path: '/bin/sh', args: ['sh', '-c', `${script}; true`], env }],
    };
  }
}

function linesOf({ directory }: TestBundle) {
  const lines = readFileSync(join(directory, 'lines'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [name = '', state = '', mnt = ''] = line.split('|');
    return { name, status: (JSON.parse(state) as { status: string }).status, mnt };
  });
}

describe('the hooks of a container', () => {
  itNeeds(['root'], 'run in their order, with its state of then, where they belong', async () => {
    await using bundle = makeBundle();
    bundle.configure((spec) => {
      spec.process.args = ['sleep', '600'];
      addHooks(bundle, spec);
    });
    const { box, directory, id } = bundle;
    const namesAfter = async (...argv: string[]) => {
      const { stderr, status } = await box(...argv);
      expect([stderr, status]).toEqual(['', 0]);
      return linesOf(bundle).map(({ name }) => name);
    };
    const created = await namesAfter('create', '-b', directory, id);
    expect(created).toEqual(['prestart', 'createRuntime', 'createContainer']);
    const { pid } = JSON.parse((await box('state', id)).stdout) as { pid: number };
    const inside = readlinkSync(`/proc/${pid}/ns/mnt`);
    const started = await namesAfter('start', id);
    expect(started).toEqual([...created, 'startContainer', 'poststart']);
    expect(await namesAfter('delete', '--force', id)).toEqual(HOOKS);

    const here = readlinkSync('/proc/self/ns/mnt');
    expect(linesOf(bundle)).toEqual([
      { name: 'prestart', status: 'creating', mnt: here },
      { name: 'createRuntime', status: 'creating', mnt: here },
      { name: 'createContainer', status: 'creating', mnt: inside },
      { name: 'startContainer', status: 'created', mnt: inside },
      { name: 'poststart', status: 'running', mnt: here },
      { name: 'poststop', status: 'stopped', mnt: here },
    ]);
  });

  itNeeds(['root'], 'are told of where they fail at the end of a run', async () => {
    await using bundle = makeBundle();
    const { status, stderr } = await bundle.run('exit 7', (spec) => {
      spec.hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 3'] }] };
    });
    const warning = 'box-runtime: warning: hooks.poststop[0]: /bin/sh: exit status 3';
    expect([status, stderr]).toEqual([7, warning]);
  });

  itNeeds(
    ['root'],
    'end it where one fails, but for the last, and what is left is told',
    async () => {
      const outcomes: Record<string, string> = {};
      for (const failing of HOOKS) {
        await using bundle = makeBundle();
        bundle.configure((spec) => {
          spec.process.args = ['sleep', '600'];
          addHooks(bundle, spec);
          for (const hook of spec.hooks?.[failing] ?? []) {
            hook.args = ['sh', '-c', 'echo broken >&2; exit 3'];
          }
        });
        const { box, directory, id } = bundle;
        const created = await box('create', '-b', directory, id);
        const started = await box('start', id);
        const { status } = await box('state', id);
        const last = await box('delete', '--force', id);
        const said = `${created.stderr}${started.stderr}${last.stderr}`;
        expect(said).toContain(`hooks.${failing}[0]: /bin/sh: exit status 3; it said: broken`);
        const ran = linesOf(bundle).at(-1)?.name;
        outcomes[failing] =
          `create ${created.status}, start ${started.status}, ${status === 0 ? 'there' : 'gone'}, last ${ran}`;
      }
      expect(outcomes).toEqual({
        prestart: 'create 1, start 1, gone, last poststop',
        createRuntime: 'create 1, start 1, gone, last poststop',
        createContainer: 'create 1, start 1, gone, last poststop',
        startContainer: 'create 0, start 1, gone, last poststop',
        poststart: 'create 0, start 1, gone, last poststop',
        poststop: 'create 0, start 0, there, last poststart',
      });
    },
  );

  itNeeds(['root'], 'are ended where they wait for ever, by delete --force', async () => {
    const said: Record<string, string> = {};
    for (const waiting of ['createRuntime', 'createContainer', 'startContainer'] as const) {
      await using bundle = makeBundle();
      const { box, directory, id } = bundle;
      const out = waiting === 'startContainer' ? '/out' : directory;
      bundle.configure((spec) => {
        spec.process.args = ['sleep', '600'];
        addHooks(bundle, spec);
        for (const hook of spec.hooks?.[waiting] ?? []) {
          hook.args = ['sh', '-c', `echo > ${out}/waits; exec sleep 600`];
        }
      });
      const run = box('run', '--detach', '-b', directory, id);
      while (!existsSync(join(directory, 'waits'))) await sleep(10);
      const { status, stderr } = await box('delete', '--force', id);
      expect([status, stderr]).toEqual([0, '']);
      expect((await box('state', id)).stderr).toContain('does not exist');
      said[waiting] = (await run).stderr;
      expect(linesOf(bundle).at(-1)?.name).toBe('poststop');
    }
    // Inside, the end of its pid namespace is the hook's.
    expect(said).toEqual({
      createRuntime: expect.stringContaining('createRuntime[0]: /bin/sh: the container was killed'),
      createContainer: expect.stringMatching(/createContainer.0.: .bin.sh: .*killed/),
      startContainer: expect.stringMatching(/startContainer.0.: .bin.sh: .*killed/),
    });
  });
});
