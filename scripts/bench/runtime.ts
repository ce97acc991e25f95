/**
 * The OCI runtime, as an engine starts it and as a program calls it, beside runc and crun on the same
 * bundle. What engines start is the executable of `npm run build`, which is made here when it is not
 * there.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { kernel } from '../../lib/kernel/call.ts';
import { CLONE_NEWNS, MS_PRIVATE, MS_REC } from '../../lib/kernel/constants.ts';
import { root as project } from '../../lib/lab/course.ts';
import { openStreams } from '../../lib/launch/streams.ts';
import { detectCgroups, listCgroups } from '../../lib/observe/cgroups.ts';
import { findCommand } from '../../lib/observe/command.ts';
import { readMountinfo } from '../../lib/observe/mountinfo.ts';
import { makeBusyboxRoot } from '../../lib/oci/busybox-root.fixture.ts';
import { exampleSpec } from '../../lib/oci/example.ts';
import { runContainer } from '../../lib/oci/life/run.ts';
import { loadBundle } from '../../lib/oci/load-bundle.ts';
import { buildExecutables } from '../build/executables.ts';
import { podmanWords } from '../drivers/podman.ts';
import { type Holdings, readHoldings } from './holdings.ts';
import { compareTimes, median } from './sample.ts';

/** A command line, as far as its options before the command. */
type Words = readonly [program: string, ...options: string[]];

export interface RuntimeBench extends Disposable {
  directory: string;
  /** Where each runtime keeps its containers' state, by its name. */
  stateOf(runtime: string): string;
  /** With a root in it, and `true` to run. */
  bundle: string;
  /** The same, whose process sleeps. */
  sleeper: string;
  /** Ours first; those that are installed. */
  runtimes: ReadonlyMap<string, Words>;
  nextId(): string;
}

const PEERS = ['runc', 'crun'];
export const OURS = 'box-runtime';

/**
 * crun runs on no hybrid layout. For this process, and what it starts, there is version 1 alone from
 * here on: in a mount table of its own, which goes with it.
 */
function hideVersion2(): void {
  const { v2, controllers } = detectCgroups();
  const hybrid = Object.values(controllers).some(({ v1 }) => v1 !== null);
  if (v2 === null || !hybrid) return;
  kernel.unshare(CLONE_NEWNS);
  kernel.mount(null, '/', null, MS_REC | MS_PRIVATE, null);
  kernel.mount('none', v2, 'tmpfs', 0, null);
}

export async function openRuntimeBench(): Promise<RuntimeBench> {
  hideVersion2();
  const built = join(project, 'dist/box-runtime');
  if (!existsSync(built)) await buildExecutables(project, (line) => console.error(line));
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-bench-'));
  // By default all of them keep it below /run, which is a tmpfs wherever somebody has booted.
  const state = mkdtempSync('/dev/shm/unboxed-bench-');
  const stateOf = (runtime: string) => join(state, runtime);
  const at = (name: string) => join(directory, name);
  const rootfs = at('rootfs');
  makeBusyboxRoot(rootfs, {
    directories: ['proc', 'dev', 'sys', 'etc', 'tmp'],
    applets: ['true', 'sleep'],
  });
  const bundleOf = (name: string, ...args: string[]) => {
    mkdirSync(at(name));
    const spec = exampleSpec();
    const resources = {
      ...spec.linux?.resources,
      pids: { limit: 64 },
      memory: { limit: 64 << 20 },
    };
    writeFileSync(
      join(at(name), 'config.json'),
      JSON.stringify({
        ...spec,
        // The oldest of 1.x is read by all, older peers too.
        ociVersion: '1.0.2',
        // Without limits of the process: a root that may not raise them is refused by every runtime.
        process: { ...spec.process, cwd: '/', terminal: false, args, rlimits: [] },
        root: { path: rootfs, readonly: true },
        linux: { ...spec.linux, resources },
      }),
    );
    return at(name);
  };
  const installed = PEERS.filter((name) => findCommand(name) !== null);
  const runtimes = new Map<string, Words>([
    [OURS, [built, '--root', stateOf(OURS)]],
    ...installed.map((name): [string, Words] => [name, [name, '--root', stateOf(name)]]),
  ]);
  let count = 0;
  return {
    directory,
    stateOf,
    bundle: bundleOf('bundle', 'true'),
    sleeper: bundleOf('sleeper', 'sleep', '600'),
    runtimes,
    nextId: () => `unboxed-bench-${process.pid}-${++count}`,
    [Symbol.dispose]: () => {
      for (const made of [directory, state]) rmSync(made, { recursive: true });
    },
  };
}

const call = async ([program, ...options]: Words, ...argv: string[]): Promise<string> =>
  (await execa(program, [...options, ...argv], { stdin: 'ignore' })).stdout;

/** For what leaves a container behind, which would hold pipes open. */
const callMute = async ([program, ...options]: Words, ...argv: string[]): Promise<void> =>
  void (await execa(program, [...options, ...argv], { stdio: 'ignore' }));

/** Medians in milliseconds of `run`, from the start of the command to its end. */
export async function benchCold(bench: RuntimeBench, rounds: number) {
  const { runtimes, bundle, nextId } = bench;
  const contenders: Record<string, () => Promise<void>> = {};
  for (const [name, words] of runtimes) {
    contenders[`${name} run`] = async () =>
      void (await call(words, 'run', '--bundle', bundle, nextId()));
  }
  return await compareTimes(contenders, rounds);
}

/** One run by this process, state on disk, cgroup and network namespace included. */
export async function runWarm({ stateOf, bundle, nextId }: RuntimeBench): Promise<void> {
  const loaded = await loadBundle(bundle);
  const opened = openStreams('null');
  const options = { preserveFds: 0, noPivot: false, noNewKeyring: false } as const;
  const status = await opened.hand((streams) =>
    runContainer({
      ...options,
      ...{ root: stateOf(OURS), id: nextId(), bundle: loaded, streams },
      detach: false,
      keep: false,
    }),
  );
  if (status !== 0) throw new Error(`true ended with ${status}`);
}

/** The same beside whole commands of the peers. */
export async function benchWarm(bench: RuntimeBench, rounds: number) {
  const contenders: Record<string, () => Promise<void>> = {
    'from one process': () => runWarm(bench),
  };
  for (const [name, words] of bench.runtimes) {
    if (name === OURS) continue;
    contenders[`${name} run`] = async () =>
      void (await call(words, 'run', '--bundle', bench.bundle, bench.nextId()));
  }
  return await compareTimes(contenders, rounds);
}

/** `podman run --rm` on each runtime; null where podman is not installed. */
export async function benchPodman({ directory, runtimes }: RuntimeBench, rounds: number) {
  if (!findCommand('podman') || !findCommand('conmon')) return null;
  const { command, limits } = podmanWords(directory);
  const [program = '', ...options] = command;
  const contenders: Record<string, () => Promise<void>> = {};
  for (const [name, [path]] of runtimes) {
    const found = name === OURS ? path : (findCommand(name) ?? name);
    const run = ['run', '--rm', '--network', 'none', '--read-only', ...limits];
    const what = ['--rootfs', join(directory, 'rootfs'), 'true'];
    contenders[`podman on ${name}`] = async () => {
      await execa(program, [...options, '--runtime', found, ...run, ...what], { stdin: 'ignore' });
    };
  }
  return await compareTimes(contenders, rounds);
}

/** Most memory that each command of ours has had, in KiB; null without GNU time to ask. */
export async function benchPeaks(bench: RuntimeBench): Promise<Record<string, number> | null> {
  const time = findCommand('time');
  const words = bench.runtimes.get(OURS);
  if (!time || !words) return null;
  const out = join(bench.directory, 'peak');
  const id = bench.nextId();
  const peaks: Record<string, number> = {};
  for (const argv of [
    ['create', '--bundle', bench.sleeper, id],
    ['start', id],
    ['state', id],
    ['exec', id, 'true'],
    ['kill', id, 'KILL'],
    ['delete', '--force', id],
  ]) {
    await callMute([time, '-f', '%M', '-o', out, ...words], ...argv);
    peaks[argv[0] ?? ''] = Number(readFileSync(out, 'utf8').trim());
  }
  return peaks;
}

/** What a created container has until `start` comes, in KiB: its process and no other. */
export async function benchCreated(bench: RuntimeBench): Promise<Record<string, number>> {
  const waiting: Record<string, number> = {};
  for (const [name, words] of bench.runtimes) {
    const id = bench.nextId();
    await callMute(words, 'create', '--bundle', bench.sleeper, id);
    try {
      const { pid } = JSON.parse(await call(words, 'state', id)) as { pid: number };
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      waiting[name] = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN);
    } finally {
      await call(words, 'delete', '--force', id);
    }
  }
  return waiting;
}

export interface Crowd {
  count: number;
  /** Medians of the first and last quarter's milliseconds for a start, all before still running. */
  first: number;
  last: number;
  /** Milliseconds for each of a quarter of them, and of all of them, started at once. */
  quarterAtOnce: number;
  allAtOnce: number;
}

export async function benchCrowd(bench: RuntimeBench, count: number): Promise<Crowd> {
  const words = bench.runtimes.get(OURS);
  if (!words) throw new Error('box-runtime is always there');
  const quarter = count / 4;
  const startOne = async (ids: string[]) => {
    const id = bench.nextId();
    ids.push(id);
    const begin = performance.now();
    await callMute(words, 'run', '--detach', '--bundle', bench.sleeper, id);
    return performance.now() - begin;
  };
  const having = async <T>(work: (ids: string[]) => Promise<T>): Promise<T> => {
    const ids: string[] = [];
    try {
      return await work(ids);
    } finally {
      for (const id of ids) await call(words, 'delete', '--force', id);
    }
  };
  const atOnce = (many: number) =>
    having(async (ids) => {
      const begin = performance.now();
      const all = await Promise.allSettled(Array.from({ length: many }, () => startOne(ids)));
      const failed = all.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      return (performance.now() - begin) / many;
    });
  const times = await having(async (ids) => {
    const each: number[] = [];
    for (let i = 0; i < count; i++) each.push(await startOne(ids));
    return each;
  });
  return {
    count,
    first: median(times.slice(0, quarter)),
    last: median(times.slice(-quarter)),
    quarterAtOnce: await atOnce(quarter),
    allAtOnce: await atOnce(count),
  };
}

export interface RuntimeHoldings extends Holdings {
  cgroups: number;
  mounts: number;
  states: number;
}

/** What so many runs and deletes leave, in this process and on the machine. */
export async function benchRuns(bench: RuntimeBench, runs: number) {
  const states = bench.stateOf(OURS);
  const look = (): RuntimeHoldings => ({
    ...readHoldings(),
    cgroups: listCgroups().filter((path) => path.includes(`unboxed-bench-${process.pid}`)).length,
    mounts: readMountinfo().length,
    states: existsSync(states) ? readdirSync(states).length : 0,
  });
  await runWarm(bench);
  const before = look();
  for (let i = 0; i < runs; i++) await runWarm(bench);
  return { runs, before, after: look() };
}
