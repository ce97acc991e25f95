import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Action } from '../host/action.ts';
import { type Host, openHost } from '../host/host.ts';
import { removeTree } from '../host/remove-tree.ts';
import { launch, type Program } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { childrenOf, listPids, processesWithEnv } from '../observe/process.ts';
import { withoutAction } from './mutate.ts';
import { startContainer } from './run.ts';
import type { Runtime } from './runtime.ts';

let state: string;
let host: Host;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'unboxed-test-'));
  host = await openHost('run', state);
});

afterEach(async () => {
  const { failed } = await host.undo();
  removeTree(state);
  expect(failed).toEqual([]);
});

const at = (name: string) => join(host.directory, name);

const file = (name: string, text: string): Action => ({
  name,
  does: [{ do: 'write', path: at(name), text }],
  undoes: [{ do: 'remove', path: at(name) }],
  seen: { path: at(name) },
});

/** Waits at each gate, then sleeps. */
const sleeping = (gates = ['maps', 'again'], env: Record<string, string> = { container: 'run' }) =>
  launch({ namespaces: ['mount'] }, (call) => {
    for (const gate of gates) call.gate(gate);
    call.execve('/bin/sleep', ['sleep', '1000'], env);
  });

const runtimeOf = (program: Program): Runtime => ({
  prepare: [file('one', '1'), file('two', '2')],
  program,
  connect: (pid) => [file('pid', String(pid))],
});

itNeeds(['root'], 'prepares, connects once while the child waits, and undoes it all', async () => {
  const seen: string[] = [];
  const container = await startContainer(runtimeOf(sleeping()), host, {
    id: 'run',
    around: async ({ name }) => {
      seen.push(name);
      return 'go';
    },
  });
  expect(seen).toEqual(['one', 'two', 'pid']);
  expect(container.done.map(({ name }) => name)).toEqual(seen);
  expect(readFileSync(at('pid'), 'utf8')).toBe(String(container.pid));
  expect(readFileSync(`/proc/${container.pid}/cmdline`, 'utf8')).toBe('sleep\x001000\0');
  expect(await container.undo()).toEqual({
    undone: ['pid', 'processes of run', 'two', 'one', 'directory of run'],
    failed: [],
  });
  expect(await container.exited).toEqual({ signal: 'SIGKILL' });
  expect(existsSync(host.directory)).toBe(false);
});

itNeeds(
  ['root'],
  'an action that is skipped or left out is not done, and the rest is',
  async () => {
    const runtime = withoutAction(runtimeOf(sleeping()), 'pid');
    const container = await startContainer(runtime, host, {
      id: 'run',
      around: async ({ name }) => (name === 'one' ? 'skip' : 'go'),
    });
    expect([existsSync(at('one')), existsSync(at('two')), existsSync(at('pid'))]).toEqual([
      false,
      true,
      false,
    ]);
    expect(container.done).toHaveLength(1);
    await container.undo();
  },
);

itNeeds(
  ['root'],
  'an action that fails at the gate ends the child and leaves no zombie',
  async () => {
    const before = new Set(childrenOf(process.pid));
    const pids: number[] = [];
    const runtime = runtimeOf(sleeping());
    const connect = (pid: number): Action[] => {
      pids.push(pid);
      return [{ ...file('bad', ''), does: [{ do: 'run', argv: ['false'] }] }];
    };
    const starting = startContainer({ ...runtime, connect }, host, { id: 'run' });
    await expect(starting).rejects.toThrow(/^bad: false: exit code 1$/);
    expect(listPids()).not.toContain(pids.at(-1));
    expect(childrenOf(process.pid).filter((pid) => !before.has(pid))).toEqual([]);
  },
);

itNeeds(['root'], 'an action that fails before the clone leaves nothing running', async () => {
  writeFileSync(at('two'), 'somebody else’s');
  const starting = startContainer(runtimeOf(sleeping()), host, { id: 'run' });
  await expect(starting).rejects.toThrow(/^two: is there already/);
  expect(processesWithEnv('container', 'run')).toEqual([]);
});

itNeeds(['root'], 'a line that fails leaves nothing running', async () => {
  const program = launch({ namespaces: ['mount'] }, (call) => {
    call.chroot('/nowhere');
    call.execve('/bin/sleep', ['sleep', '1000'], { container: 'run' });
  });
  const runtime = { prepare: [], program, connect: () => [] };
  await expect(startContainer(runtime, host, { id: 'run' })).rejects.toThrow('chroot("/nowhere")');
  expect(processesWithEnv('container', 'run')).toEqual([]);
});

itNeeds(['linux'], 'an environment without the container’s id is refused, undone', async () => {
  const starting = startContainer(runtimeOf(sleeping(['maps'], { container: 'other' })), host, {
    id: 'run',
  });
  await expect(starting).rejects.toThrow(/^run: .*lacks container=run/);
  expect(host.done).toHaveLength(1);
});

itNeeds(['linux'], 'connections without a gate to make them at are refused, undone', async () => {
  const starting = startContainer(runtimeOf(sleeping([])), host, { id: 'run' });
  await expect(starting).rejects.toThrow('no gate at which it would wait for: pid');
  expect(host.done).toHaveLength(1);
});

itNeeds(
  ['root'],
  'an action inside the child is refused where the child has not left',
  async () => {
    const inside = (pid: number): Action => ({
      ...file('loopback', ''),
      does: [{ do: 'run', argv: ['true'], inside: { pid, namespaces: ['network'] } }],
    });
    const connect = (pid: number) => [file('before', ''), inside(pid)];
    const runtime = { ...runtimeOf(sleeping()), connect };
    const starting = startContainer(runtime, host, { id: 'run' });
    await expect(starting).rejects.toThrow(/^loopback: .*add 'network' to the namespaces/);
    expect(existsSync(at('before'))).toBe(false);
    expect(processesWithEnv('container', 'run')).toEqual([]);
  },
);
