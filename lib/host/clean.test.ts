import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launch } from '../launch/program.ts';
import { start } from '../launch/start.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { comparePictures, takePicture } from '../observe/picture.ts';
import { identify } from '../observe/process.ts';
import type { Action } from './action.ts';
import { cleanAll, recover } from './clean.ts';
import { openHost } from './host.ts';
import { journalPath } from './journal.ts';
import { removeTree } from './remove-tree.ts';

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'unboxed-test-'));
});

afterEach(() => removeTree(state));

const fixture = fileURLToPath(new URL('busy-run.fixture.ts', import.meta.url));

function startBusyRun(name: string, pid: number): ChildProcess {
  const env = { ...process.env, UNBOXED_STATE: state };
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return spawn(process.execPath, [fixture, name, String(pid)], { env, stdio: [...stdio] });
}

/** Resolves when it has made all that a round makes. */
async function untilBusy(run: ChildProcess): Promise<void> {
  const ended = once(run, 'exit').then(([code, signal]) => {
    throw new Error(`the run has ended by itself: ${code ?? signal}`);
  });
  ended.catch(() => {}); // Later it is killed.
  await Promise.race([once(run.stdout ?? run, 'data'), ended]);
}

async function holdNetwork() {
  const holder = await start(
    launch({ namespaces: ['network'] }, (call) => {
      call.execve('/bin/sleep', ['sleep', '1000'], {});
    }),
  );
  return {
    ...holder,
    links: () => readFileSync(`/proc/${holder.pid}/net/dev`, 'utf8').split('\n'),
  };
}

const namesOf = (lines: string[]) => lines.map((line) => line.split(':')[0]?.trim()).sort();

itNeeds(['root', 'ip'], 'a run killed at any moment is undone by the next clean', async () => {
  const network = await holdNetwork();
  const linksBefore = namesOf(network.links());
  const before = takePicture({ deep: [state] });
  let found = 0;
  for (let round = 0; round < 12; round++) {
    const busy = startBusyRun(`busy${round}`, network.pid);
    const ended = once(busy, 'exit');
    await untilBusy(busy);
    await setTimeout(Math.random() * 150);
    busy.kill('SIGKILL');
    await ended;
    const report = await cleanAll({ all: true, state });
    expect(report.failed).toEqual([]);
    expect(report.inUse).toEqual([]);
    found += report.removed.length;
    expect(namesOf(network.links())).toEqual(linksBefore);
    expect(readdirSync(state)).toEqual([]);
  }
  const ours = ({ what, kind }: { what: string; kind: string }) =>
    kind === 'process' ? /sleep 1000|busy-run/.test(what) : what.includes(state);
  expect(comparePictures(before, takePicture({ deep: [state] })).filter(ours)).toEqual([]);
  expect(found).toBeGreaterThan(0);
  network.kill();
  await network.exited;
});

itNeeds(['root', 'ip'], 'what a living run has made is left alone and named', async () => {
  const network = await holdNetwork();
  const busy = startBusyRun('alive', network.pid);
  await untilBusy(busy);
  busy.kill('SIGSTOP');
  await setTimeout(20);
  const before = namesOf(network.links());
  const files = readdirSync(state, { recursive: true });
  const { removed, inUse } = await cleanAll({ all: true, state });
  expect(removed).toEqual([]);
  // The instant between two of its rounds has no run.
  if (files.some((file) => String(file).endsWith('.jsonl'))) {
    expect(inUse).toMatchObject([{ pid: busy.pid }]);
  }
  expect(namesOf(network.links())).toEqual(before);
  busy.kill('SIGKILL');
  await once(busy, 'exit');
  await cleanAll({ all: true, state });
  expect(readdirSync(state)).toEqual([]);
  network.kill();
});

itNeeds(['linux'], 'two who clean at once both succeed', async () => {
  for (const run of ['a', 'b', 'c', 'd']) abandon(await openHost(run, state));
  const reports = await Promise.all([cleanAll({ state }), cleanAll({ state })]);
  expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
  expect(readdirSync(state)).toEqual([]);
});

itNeeds(['linux'], 'nothing that no journal names is removed', async () => {
  abandon(await openHost('dead', state));
  mkdirSync(join(state, 'mine'));
  writeFileSync(join(state, 'runs.txt'), 'mine');
  const { removed } = await cleanAll({ all: true, state });
  expect(removed).toEqual([{ name: 'directory of dead', run: 'dead' }]);
  expect(readdirSync(state).sort()).toEqual(['mine', 'runs.txt']);
});

itNeeds(
  ['linux'],
  'a run directory without a journal is removed, as after a power cut',
  async () => {
    mkdirSync(join(state, 'runs', 'orphan', 'deep'), { recursive: true });
    mkdirSync(join(state, 'journal'));
    writeFileSync(journalPath(state, 'torn'), '{"run":"torn","own');
    const { removed, failed } = await recover({ state });
    expect(failed).toEqual([]);
    expect(removed).toEqual([{ name: 'directory of orphan', run: 'orphan' }]);
    expect(readdirSync(state)).toEqual([]);
  },
);

itNeeds(['linux'], 'what could not be undone stays in the journal and is tried again', async () => {
  const host = await openHost('stubborn', state);
  const door = join(state, 'door');
  await host.do(refusingWhile(door));
  abandon(host);
  const first = await cleanAll({ state });
  expect(first.failed).toMatchObject([{ name: 'a door', run: 'stubborn' }]);
  expect(first.failed[0]?.error.message).toMatch(/^a door: test '!' -e .*door: exit code 1/);
  expect(existsSync(host.directory)).toBe(false);
  removeTree(door);
  const second = await cleanAll({ state });
  expect(second).toMatchObject({ failed: [], removed: [{ name: 'a door' }] });
  expect(readdirSync(state)).toEqual([]);
});

itNeeds(['linux'], 'a kept run outlives the next run, not a clean', async () => {
  const host = await openHost('kept', state);
  await host.undo({ keep: true });
  abandon(host);
  expect((await recover({ state })).inUse).toMatchObject([{ run: 'kept', pid: null }]);
  expect(existsSync(host.directory)).toBe(true);
  expect((await cleanAll({ all: true, state })).removed).toHaveLength(1);
  expect(readdirSync(state)).toEqual([]);
});

it('a state directory that is not there is nothing to clean', async () => {
  rmdirSync(state);
  const report = await cleanAll({ all: true, state });
  expect(report).toEqual({ removed: [], inUse: [], failed: [] });
  expect(existsSync(state)).toBe(false);
});

/** Hands a run's journal to a process that has ended: the boot before this one. */
function abandon({ run }: { run: string }): void {
  const path = journalPath(state, run);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"startTime":"\d+"/, '"startTime":"0"'));
}

/** Its undoing fails as long as the file is there. */
const refusingWhile = (path: string): Action => ({
  name: 'a door',
  does: [{ do: 'write', path, text: '' }],
  undoes: [{ do: 'run', argv: ['test', '!', '-e', path] }],
  seen: { path },
});

it('after a reboot only files are left to remove, and nothing else is undone', async () => {
  const host = await openHost('rebooted', state);
  const [made, setting] = [join(state, 'made'), join(state, 'setting')];
  writeFileSync(setting, 'set by somebody else since');
  await host.do({
    name: 'a setting and a directory',
    does: [{ do: 'mkdir', path: made }],
    undoes: [
      { do: 'write', path: setting, text: 'undone' },
      { do: 'remove', path: made },
    ],
    seen: { path: made },
  });
  const journal = journalPath(state, 'rebooted');
  const { boot } = identify(process.pid);
  writeFileSync(journal, readFileSync(journal, 'utf8').replaceAll(boot, 'an-earlier-boot'));
  const { failed } = await cleanAll({ all: true, state });
  expect(failed).toEqual([]);
  expect(readFileSync(setting, 'utf8')).toBe('set by somebody else since');
  expect(existsSync(made)).toBe(false);
  expect(existsSync(host.directory)).toBe(false);
});
