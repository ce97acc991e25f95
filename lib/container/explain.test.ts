import { expect, it } from 'vitest';
import type { Action } from '../host/action.ts';
import { launch } from '../launch/program.ts';
import { explainRuntime } from './explain.ts';
import { withoutAction } from './mutate.ts';
import type { Runtime } from './runtime.ts';

const bridge: Action = {
  name: 'bridge ubx0',
  does: [{ do: 'run', argv: ['ip', 'link', 'add', 'ubx0', 'type', 'bridge'] }],
  undoes: [{ do: 'run', argv: ['ip', 'link', 'del', 'ubx0'] }],
  seen: { link: 'ubx0' },
};

const moved = (pid: number): Action => ({
  name: 'veth',
  does: [{ do: 'run', argv: ['ip', 'link', 'set', 'v1', 'netns', String(pid)] }],
  undoes: [],
  seen: { link: 'v1', inside: { pid, namespaces: ['network'] } },
});

const runtime: Runtime = {
  prepare: [bridge],
  program: launch({ namespaces: ['network'] }, (call) => {
    call.sethostname('box');
    call.gate('network');
    call.execve('/bin/sh', ['sh'], { container: 'x' });
  }),
  connect: (pid) => [moved(pid)],
};

const texts = (options = {}) =>
  explainRuntime(runtime, options).map((row) => (row.half === 'host' ? row.commands[0] : row.kind));

it('rows of both halves stand in the order in which they happen', () => {
  const add = 'ip link add ubx0 type bridge';
  const move = 'ip link set v1 netns PID';
  expect(texts()).toEqual([add, 'clone', 'call', move, 'gate', 'call']);
  expect(texts({ pid: 47 })[3]).toBe('ip link set v1 netns 47');
});

it('an action is left out by its name from either list, and from nothing else', () => {
  expect(withoutAction(runtime, 'bridge ubx0').prepare).toEqual([]);
  const mutant = withoutAction(runtime, 'veth');
  expect(mutant.connect(1)).toEqual([]);
  expect(mutant.prepare).toEqual([bridge]);
  expect(mutant.program).toBe(runtime.program);
});

it('leaving out what is not there says what is', () => {
  expect(() => withoutAction(runtime, 'x')).toThrow('"x" in the runtime; it has bridge ubx0, veth');
});
