import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from 'vitest';
import { MS_BIND, MS_REC } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { start } from '../launch/start.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import type { Action, Effect } from './action.ts';
import { openHost } from './host.ts';
import { HostError } from './host-error.ts';
import { journalPath } from './journal.ts';
import { removeTree } from './remove-tree.ts';

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'unboxed-test-'));
});

afterEach(() => removeTree(state));

const file = (path: string, name = 'a file'): Action => ({
  name,
  does: [{ do: 'write', path, text: 'ours' }],
  undoes: [{ do: 'remove', path }],
  seen: { path },
});

itNeeds(['linux'], 'an action is in the journal before it is done', async () => {
  const host = await openHost('run', state);
  const copy = join(host.directory, 'copy');
  const action: Action = {
    name: 'copy of the journal',
    does: [{ do: 'run', argv: ['cp', journalPath(state, 'run'), copy] }],
    undoes: [{ do: 'remove', path: copy }],
    seen: { path: copy },
  };
  await host.do(action);
  expect(readFileSync(copy, 'utf8')).toContain('"name":"copy of the journal"');
  expect(await host.isThere(action)).toBe(true);
  await host.undo();
});

itNeeds(['linux'], 'actions are undone newest first, the directory last', async () => {
  const host = await openHost('run', state);
  await host.do(file(join(host.directory, 'a'), 'a'));
  await host.do(file(join(host.directory, 'b'), 'b'));
  expect(host.done.map(({ name }) => name)).toEqual(['directory of run', 'a', 'b']);
  expect(await host.undo()).toEqual({ undone: ['b', 'a', 'directory of run'], failed: [] });
  expect(existsSync(host.directory)).toBe(false);
  expect(existsSync(journalPath(state, 'run'))).toBe(false);
  expect(await host.undo()).toEqual({ undone: [], failed: [] });
});

itNeeds(
  ['linux'],
  'what if undo comes while an action is being done? It is taken away',
  async () => {
    const host = await openHost('run', state);
    const [one, two] = [join(state, 'one'), join(state, 'two')];
    const slowly: Action = {
      ...file(one, 'one'),
      does: [{ do: 'run', argv: ['sh', '-c', 'sleep 0.2; echo > "$0"', one] }],
    };
    const doing = host.do(slowly);
    const next = doing.then(() => host.do(file(two, 'two')));
    await delay(50);
    const report = await host.undo();
    await expect(next).rejects.toThrow('two: the run is over, nothing more is done');
    expect(report).toEqual({ undone: ['one', 'directory of run'], failed: [] });
    expect([existsSync(one), existsSync(two)]).toEqual([false, false]);
  },
);

itNeeds(['linux'], 'undone twice at once, it is undone once', async () => {
  const host = await openHost('run', state);
  await host.do(file(join(host.directory, 'a'), 'a'));
  expect(await Promise.all([host.undo(), host.undo()])).toEqual([
    { undone: ['a', 'directory of run'], failed: [] },
    { undone: [], failed: [] },
  ]);
});

itNeeds(['linux'], 'what is there already is refused, and is there after undo', async () => {
  const path = join(state, 'theirs');
  writeFileSync(path, 'theirs');
  const host = await openHost('run', state);
  await expect(host.do(file(path))).rejects.toThrow(/^a file: is there already/);
  await host.undo();
  expect(readFileSync(path, 'utf8')).toBe('theirs');
});

itNeeds(['linux'], 'a run directory of somebody else is refused and left', async () => {
  mkdirSync(join(state, 'runs', 'run', 'theirs'), { recursive: true });
  await expect(openHost('run', state)).rejects.toThrow(/is there already/);
  expect(existsSync(join(state, 'runs', 'run', 'theirs'))).toBe(true);
  expect(readdirSync(join(state, 'journal'))).toEqual([]);
});

itNeeds(['linux'], 'a failing undo is reported, the others go on', async () => {
  const host = await openHost('run', state);
  const kept = join(state, 'kept');
  await host.do({ ...file(kept), undoes: [{ do: 'run', argv: ['false'] }] });
  await host.do(file(join(host.directory, 'b'), 'b'));
  const { undone, failed } = await host.undo();
  expect(undone).toEqual(['b', 'directory of run']);
  expect(failed).toMatchObject([{ name: 'a file', error: { exitCode: 1, command: 'false' } }]);
  expect(readFileSync(journalPath(state, 'run'), 'utf8')).toContain('a file');
});

itNeeds(['linux'], 'undoing what its action never did is no failure', async () => {
  const host = await openHost('run', state);
  const nothing: Action = {
    name: 'nothing',
    does: [{ do: 'run', argv: ['false'] }],
    undoes: [{ do: 'run', argv: ['rm', join(state, 'nothing')] }],
    seen: { path: join(state, 'nothing') },
  };
  await expect(host.do(nothing)).rejects.toThrow(/^nothing: false: exit code 1$/);
  expect((await host.undo()).failed).toEqual([]);
});

itNeeds(
  ['linux'],
  'a failure names the action, the command, what it said, and a remedy',
  async () => {
    const host = await openHost('run', state);
    const failing = async (does: Effect) => {
      const action = { name: 'it', does: [does], undoes: [], seen: { path: '/nowhere' } };
      return host
        .do({ ...action, name: JSON.stringify(does) })
        .catch((error) => error as HostError);
    };
    const command = await failing({ do: 'run', argv: ['ls', '/no where'] });
    expect(command).toBeInstanceOf(HostError);
    expect(command).toMatchObject({ exitCode: 2, command: "ls '/no where'" });
    expect((command as HostError).message).toMatch(/exit code 2: ls: .*No such file/);
    expect(await failing({ do: 'run', argv: ['no-such-tool'] })).toMatchObject({
      message: expect.stringMatching(/: no-such-tool: there is no command no-such-tool; install/),
      remedy: expect.stringContaining('install'),
    });
    expect(await failing({ do: 'write', path: '/proc/nothing', text: '1' })).toMatchObject({
      command: 'printf %s 1 > /proc/nothing',
    });
    await host.undo();
  },
);

itNeeds(['root', 'ip'], 'a command inside works there and goes with its process', async () => {
  const holder = await start(
    launch({ namespaces: ['network'] }, (call) => call.execve('/bin/sleep', ['sleep', '1000'], {})),
  );
  const inside = { pid: holder.pid, namespaces: ['network' as const] };
  const bridge: Action = {
    name: 'bridge ubx9',
    does: [{ do: 'run', argv: ['ip', '-b', '-'], input: 'link add ubx9 type bridge\n', inside }],
    undoes: [{ do: 'run', argv: ['ip', 'link', 'del', 'ubx9'], inside }],
    seen: { link: 'ubx9', inside },
  };
  const host = await openHost('run', state);
  await host.do(bridge);
  expect(await host.isThere(bridge)).toBe(true);
  expect(await host.isThere({ ...bridge, seen: { link: 'ubx9' } })).toBe(false);
  const again = await openHost('again', state);
  await expect(again.do(bridge)).rejects.toThrow('is there already');
  await again.undo();
  expect(await host.isThere(bridge)).toBe(true);
  const broken: Action = { ...bridge, name: 'broken', seen: { link: 'no', inside } };
  await expect(host.do(broken)).rejects.toThrow(
    `broken: echo 'link add ubx9 type bridge' | nsenter --net=/proc/${holder.pid}/ns/net ip -b -: exit code`,
  );
  holder.kill();
  await holder.exited;
  expect((await host.undo()).failed).toEqual([]);
});

itNeeds(
  ['root'],
  'mounts below the run’s directory are detached, their sources untouched',
  async () => {
    const host = await openHost('run', state);
    const theirs = join(state, 'theirs');
    mkdirSync(theirs);
    writeFileSync(join(theirs, 'file'), 'theirs');
    const bound = join(host.directory, 'bound');
    await host.do({
      name: 'a mount that its undoing forgets',
      does: [
        { do: 'mkdir', path: bound },
        { do: 'mount', source: theirs, target: bound, fstype: null, flags: MS_BIND | MS_REC },
        { do: 'mount', source: 'tmpfs', target: bound, fstype: 'tmpfs', flags: 0 },
      ],
      undoes: [],
      seen: { mountPoint: bound },
    });
    expect(await host.undo()).toMatchObject({ failed: [] });
    expect(readMountinfo().filter(({ mountPoint }) => mountPoint.startsWith(state))).toEqual([]);
    expect(readFileSync(join(theirs, 'file'), 'utf8')).toBe('theirs');
  },
);

itNeeds(
  ['root'],
  'with keep the directory stays, and what was mounted in it does not',
  async () => {
    const host = await openHost('run', state);
    const path = join(host.directory, 'mounted');
    await host.do({
      name: 'a tmpfs',
      does: [
        { do: 'mkdir', path },
        { do: 'mount', source: 'tmpfs', target: path, fstype: 'tmpfs', flags: 0 },
      ],
      undoes: [{ do: 'unmount', path }],
      seen: { mountPoint: path },
    });
    expect(await host.undo({ keep: true })).toEqual({ undone: ['a tmpfs'], failed: [] });
    expect(readMountinfo().filter(({ mountPoint }) => mountPoint.startsWith(state))).toEqual([]);
    expect(existsSync(path)).toBe(true);
    expect((await host.undo()).undone).toEqual(['directory of run']);
  },
);
