/**
 * `exec`: another process in a container that runs.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyDescriptor } from '../../kernel/sockets.ts';
import { type LeftChild, startAndLeave } from '../../launch/leave.ts';
import type { Identity } from '../../observe/identity.ts';
import { directoriesOf } from '../cgroup.ts';
import {
  type CgroupDoors,
  explainDoors,
  isInnerNode,
  openDoors,
  placeOfInit,
} from '../cgroup-doors.ts';
import { compileExec } from '../compile-exec.ts';
import { homeOf } from '../home.ts';
import { explainKeyring } from '../keyring.ts';
import { OciError } from '../oci-error.ts';
import type { Process, Spec } from '../spec.ts';
import { resultIn, setLimits } from './create.ts';
import { assertExecutable } from './executable.ts';
import { handTerminal } from './hand-terminal.ts';
import { writePidFile } from './pid-file.ts';
import { forwardSignals, statusOfExit } from './run.ts';
import { load, readSpec, type Stored, statusOf } from './store.ts';

type Loaded = ReturnType<typeof load>;

export interface ExecOptions {
  root: string;
  id: string;
  /** What to run, from the container's own process. */
  process: (own: Process) => Process;
  detach: boolean;
  pidFile?: string | undefined;
  consoleSocket?: string | undefined;
  preserveFds: number;
  /** A cgroup below the container's that is there. */
  cgroup?: string | undefined;
  /** Also in a container that is paused, where it will wait. */
  ignorePaused: boolean;
}

/** The exit status; 0 when it is not waited for. Throws OciError, LaunchError. */
export async function execInContainer(options: ExecOptions): Promise<number> {
  const loaded = load(options.root, options.id);
  try {
    return await execIn(loaded, options);
  } catch (error) {
    // What it came to grief on says little: a process or a cgroup that was there a moment ago.
    const own = error instanceof OciError && error.cause === undefined;
    if (own || statusOf(loaded.stored) !== 'stopped') throw error;
    throw new OciError('cannot exec in a container that has stopped meanwhile', { cause: error });
  }
}

async function execIn({ stored, paths }: Loaded, options: ExecOptions): Promise<number> {
  const { detach, consoleSocket, cgroup = '' } = options;
  const { init } = stored;
  const status = statusOf(stored);
  if (!init || status === 'stopped' || status === 'creating') {
    throw new OciError('cannot exec in a stopped container');
  }
  if (status === 'paused' && !options.ignorePaused) {
    throw new OciError('cannot exec in a paused container; resume it, or use --ignore-paused');
  }
  const spec = readSpec(paths);
  const process = options.process(spec.process ?? { cwd: '/' });
  assertTerminal(process, options);
  assertCgroup(stored, cgroup);
  const joined =
    process.terminal && !consoleSocket
      ? (await import('./attach-terminal.ts')).joinTerminal()
      : null;
  const launch = (doors: CgroupDoors) =>
    launchThrough(doors, {
      ...{ options, spec, process, init, onTerminal: joined?.take },
      noNewKeyring: stored.noNewKeyring ?? false,
    });
  try {
    const child = await enter(stored, init, cgroup, launch);
    if (detach) return 0;
    const stop = forwardSignals(child.pid);
    const exit = await child.wait();
    stop();
    await joined?.over();
    return statusOfExit(exit);
  } finally {
    joined?.close();
  }
}

/** Into the container's cgroup, or that below it which is named, or has the first process. */
async function enter(
  { cgroup }: Stored,
  init: Identity,
  below: string,
  launch: (doors: CgroupDoors) => Promise<LeftChild>,
): Promise<LeftChild> {
  using doors = openDoors(cgroup, below);
  try {
    return await launch(doors);
  } catch (error) {
    const inside = below === '' && isInnerCause(error) ? placeOfInit(cgroup, init) : null;
    if (inside === null) throw error;
    using others = openDoors(cgroup, '', inside);
    return await launch(others);
  }
}

const isInnerCause = (error: unknown) => error instanceof OciError && isInnerNode(error.cause);

interface Launch {
  options: ExecOptions;
  /** The container's. */
  spec: Spec;
  process: Process;
  init: Identity;
  onTerminal: ((master: number) => void) | undefined;
  /** The container has none of its own. */
  noNewKeyring: boolean;
}

async function launchThrough(doors: CgroupDoors, launch: Launch): Promise<LeftChild> {
  const { options, spec, process, init, onTerminal, noNewKeyring } = launch;
  const { id, preserveFds, consoleSocket, pidFile } = options;
  const { program, terminal, env, confined } = compileExec({
    doors,
    id,
    pid: init.pid,
    spec,
    process,
    home: homeOf(process.user?.uid ?? 0, `/proc/${init.pid}/root`, 'etc/passwd'),
    preserveFds,
    noNewKeyring,
  });
  try {
    return await startAndLeave(program, {
      lastGate: 'created',
      closeFrom: 3 + preserveFds,
      keep: doors.v1.map(({ fd }) => fd),
      atGate: async (gate, pid, results) => {
        if (gate === 'namespaces') {
          if (confined) setLimits(pid, process);
          const score = process.oomScoreAdj ?? spec.process?.oomScoreAdj;
          if (score !== undefined) writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
        } else if (gate === 'terminal' && terminal) {
          const master = copyDescriptor(pid, resultIn(results, terminal));
          handTerminal(master, { size: process.consoleSize, consoleSocket, onTerminal });
        } else if (gate === 'created') {
          assertExecutable(pid, { args: process.args ?? [], env, cwd: process.cwd });
          if (pidFile) writePidFile(pidFile, pid);
        }
      },
    });
  } catch (error) {
    throw explainKeyring(explainDoors(error, doors, program), program);
  }
}

function assertTerminal({ terminal = false }: Process, { detach, consoleSocket }: ExecOptions) {
  if (terminal && detach && !consoleSocket) {
    throw new OciError('a terminal of a detached process needs --console-socket');
  }
}

function assertCgroup({ cgroup }: Stored, below: string): void {
  const escapes = below.split('/').includes('..');
  const missing = directoriesOf(cgroup).find((directory) => !existsSync(join(directory, below)));
  if (!escapes && !missing) return;
  throw new OciError(`--cgroup ${below}: no cgroup below the container's; make it first`);
}
