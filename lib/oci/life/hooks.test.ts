import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
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
        const run = await box('run', '--detach', '-b', directory, id);
        const { status } = await box('state', id);
        const last = await box('delete', '--force', id);
        const said = `${run.stderr}${last.stderr}`;
        expect(said).toContain(`hooks.${failing}[0]: /bin/sh: exit status 3; it said: broken`);
        outcomes[failing] = `run ${run.status}, then ${status === 0 ? 'there' : 'gone'}`;
      }
      expect(outcomes).toEqual({
        prestart: 'run 1, then gone',
        createRuntime: 'run 1, then gone',
        createContainer: 'run 1, then gone',
        startContainer: 'run 1, then gone',
        poststart: 'run 1, then gone',
        poststop: 'run 0, then there',
      });
    },
  );
});
