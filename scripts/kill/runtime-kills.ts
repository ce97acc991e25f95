/**
 * Commands of the OCI runtime, killed (SIGKILL, the process alone) at random moments: the container is
 * brought to where the command has something to do, the command is started and killed, and
 * `delete --force` has to take away all that there is of it.
 *
 * The moment lies between where the runtime's own work begins, which is after the interpreter's, and
 * somewhat after its end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root as project } from '../../lib/lab/course.ts';
import { randomNumbers } from '../../lib/lab/kill-plan.ts';
import { makeBusyboxRoot } from '../../lib/oci/busybox-root.fixture.ts';
import { exampleSpec } from '../../lib/oci/example.ts';
import type { Counts } from '../counts.ts';
import { holdNamespaces, leftovers, processesOf, type Watched } from './leftovers.ts';

/** How long what was ended may take to vanish, in milliseconds. */
const PATIENCE = 5_000;

interface Killed {
  name: string;
  /** What is done before. */
  before: readonly (readonly string[])[];
  argv: readonly string[];
}

const ID = 'ID';
const BUNDLE = ['--bundle', 'BUNDLE'];
const CREATE = ['create', ...BUNDLE, ID];
const RUN = ['run', '-d', ...BUNDLE, ID];

const COMMANDS: readonly Killed[] = [
  { name: 'create', before: [], argv: CREATE },
  { name: 'start', before: [CREATE], argv: ['start', ID] },
  { name: 'run', before: [], argv: ['run', ...BUNDLE, ID] },
  { name: 'run -d', before: [], argv: RUN },
  { name: 'exec', before: [RUN], argv: ['exec', ID, 'sleep', '100'] },
  { name: 'exec -d', before: [RUN], argv: ['exec', '-d', ID, 'sleep', '100'] },
  { name: 'kill', before: [RUN], argv: ['kill', ID, 'KILL'] },
  { name: 'kill --all', before: [RUN], argv: ['kill', '--all', ID, 'KILL'] },
  { name: 'delete', before: [CREATE], argv: ['delete', ID] },
  { name: 'delete --force', before: [RUN], argv: ['delete', '--force', ID] },
  { name: 'pause', before: [RUN], argv: ['pause', ID] },
  { name: 'resume', before: [RUN, ['pause', ID]], argv: ['resume', ID] },
  { name: 'update', before: [RUN], argv: ['update', '--pids-limit', '50', ID] },
];

interface Bench {
  directory: string;
  root: string;
  /** From the command's start. */
  run(argv: readonly string[], id: string, killAfter?: number): Promise<Ended>;
  sessions: Set<number>;
}

interface Ended {
  code: number | null;
  killed: boolean;
  milliseconds: number;
  stderr: string;
}

/** What is built, where it is; else the source. */
function findRuntime(): [program: string, ...source: string[]] {
  const built = join(project, 'dist/box-runtime');
  return existsSync(built) ? [built] : [process.execPath, join(project, 'lib/cli/box-runtime.ts')];
}

/** Prints a line for each. */
export async function killRuntime(
  count: number,
  seed: number,
): Promise<Counts & { reasons: string[] }> {
  const bench = makeBench();
  try {
    const idle = (await bench.run(['--version'], '')).milliseconds;
    const random = randomNumbers(seed);
    const durations = new Map<Killed, number>();
    const [program] = findRuntime();
    console.log(`${count} kills of the runtime, seed ${seed}, run by ${program}`);
    const reasons: string[] = [];
    let inTime = 0;
    for (let round = 0; round < count; round++) {
      const command = COMMANDS[round % COMMANDS.length] as Killed;
      const id = `kill-${process.pid}-${round}`;
      const duration = durations.get(command) ?? (await timeCommand(bench, command, `${id}-timed`));
      durations.set(command, duration);
      const begins = idle * 0.8;
      const after = Math.floor(begins + random() * (duration * 1.1 - begins));
      const { killed, wrong } = await killInTime(bench, command, id, after);
      if (killed !== null) inTime += 1;
      const how = killed === null ? 'has always ended before' : `killed after ${killed} ms`;
      console.log(`${wrong.length === 0 ? '✓' : '✗'} ${command.name} ${how}`);
      for (const line of wrong) console.log(`    ${line}`);
      if (wrong.length > 0) reasons.push(`failed: ${command.name} ${how}: ${wrong.join('; ')}`);
    }
    const failed = reasons.length;
    console.log(`${failed} of ${count} left something behind; ${inTime} were killed on their way`);
    return { passed: count - failed, failed, skipped: 0, reasons };
  } finally {
    rmSync(bench.directory, { recursive: true });
  }
}

const MOST_TRIES = 6;

/** Where it has ended before, once more and somewhat earlier. When it was killed, or null. */
async function killInTime(bench: Bench, command: Killed, id: string, after: number) {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const moment = Math.floor(after * 0.85 ** tries);
    const { killed, wrong } = await killOne(bench, command, `${id}-${tries}`, moment);
    if (killed || wrong.length > 0) return { killed: killed ? moment : null, wrong };
  }
  return { killed: null, wrong: [] };
}

/** What is wrong afterwards, a line each. */
async function killOne(bench: Bench, command: Killed, id: string, after: number) {
  const { root, directory, sessions, run } = bench;
  for (const argv of command.before) {
    const { code, stderr } = await run(argv, id);
    if (code !== 0) return { killed: false, wrong: [`${argv[0]} itself failed: ${stderr}`] };
  }
  const { killed } = await run(command.argv, id, after);
  const watched: Watched = { root, id, directory, sessions };
  using namespaces = holdNamespaces(processesOf(watched));
  const { code, stderr } = await run(['delete', '--force', id], id);
  const until = performance.now() + PATIENCE;
  let left = leftovers(watched, namespaces);
  while (left.length > 0 && performance.now() < until) {
    await sleep(20);
    left = leftovers(watched, namespaces);
  }
  sessions.clear();
  const refused = code === 0 ? [] : [`delete --force ended with ${code}: ${stderr}`];
  return { killed, wrong: [...refused, ...left] };
}

/** Whole, in milliseconds. One that waits for its container, until it is up. */
async function timeCommand(bench: Bench, { before, argv }: Killed, id: string): Promise<number> {
  for (const one of before) await bench.run(one, id);
  const waits = argv[0] === 'run' && !argv.includes('-d') ? RUN : argv;
  const detached = argv[0] === 'exec' && !argv.includes('-d') ? argv.toSpliced(1, 0, '-d') : waits;
  const { milliseconds } = await bench.run(detached, id);
  await bench.run(['delete', '--force', id], id);
  bench.sessions.clear();
  return milliseconds;
}

function makeBench(): Bench {
  const [program, ...source] = findRuntime();
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'unboxed-kill-')));
  const rootfs = join(directory, 'rootfs');
  makeBusyboxRoot(rootfs, { directories: ['proc', 'dev', 'sys'], applets: ['sh', 'sleep'] });
  const spec = exampleSpec();
  spec.process = { cwd: '/', ...spec.process, terminal: false, args: ['sleep', '100'] };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(spec));
  const root = join(directory, 'state');
  const sessions = new Set<number>();
  const run: Bench['run'] = async (argv, id, killAfter) => {
    const words = argv.map((word) => (word === ID ? id : word === 'BUNDLE' ? directory : word));
    const path = join(directory, 'stderr');
    const stderr = openSync(path, 'w');
    const begun = performance.now();
    // In a session of its own, by which what it has made is found.
    const child = spawn(program, [...source, '--root', root, ...words], {
      stdio: ['ignore', 'ignore', stderr],
      detached: true,
    });
    closeSync(stderr);
    if (child.pid !== undefined) sessions.add(child.pid);
    const ended = once(child, 'exit');
    let killed = false;
    if (killAfter !== undefined) {
      await Promise.race([sleep(killAfter), ended]);
      killed = child.kill('SIGKILL');
    }
    const [code] = await ended;
    const milliseconds = performance.now() - begun;
    return { code, killed, milliseconds, stderr: readFileSync(path, 'utf8').trim() };
  };
  return { directory, root, run, sessions };
}
