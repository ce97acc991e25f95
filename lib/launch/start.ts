/**
 * Runs a launch program in a new process.
 *
 * A program without gates is one clone3 with CLONE_VFORK: this thread sleeps until the child has
 * called execve or has ended, about a millisecond, and then knows the result of every line. A
 * program with gates, or one that is stepped, runs beside us and talks over a socket pair, the
 * wire:
 *
 *   parent                                   child
 *   clone3 ────────────────────────────────▶ line, line, …
 *          ◀──────────── the gate's line ─── write(wire)
 *   host actions …                           read(wire) waits
 *   one byte ──────────────────────────────▶ line, line, … execve
 *          ◀──────────────── end of file ─── (the wire is close-on-exec)
 *
 * If the parent dies, the read meets end of file and the child exits.
 * clone3 in clone(2), vfork(2), pidfd_open(2)
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { kernel } from '../kernel/call.ts';
import {
  AT_FDCWD,
  CLONE_CLEAR_SIGHAND,
  CLONE_INTO_CGROUP,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  O_CLOEXEC,
  O_DIRECTORY,
  SIGCHLD,
  SIGKILL,
} from '../kernel/constants.ts';
import { flagSets, formatFlags } from '../kernel/flags.ts';
import { callStub } from '../kernel/libc.ts';
import { placeArgument, reserve } from '../kernel/memory.ts';
import { cloneFlags, type Namespace } from '../kernel/namespaces.ts';
import { openSocketPair } from '../kernel/pairs.ts';
import { encodeCloneArgs } from '../kernel/structs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import {
  type Arena,
  releaseArena,
  STACK_SIZE,
  stubEntry,
  takeArena,
  withSignalsBlocked,
} from './arena.ts';
import { type Assembled, assemble } from './assemble.ts';
import { findFailure, killedOnTheWay } from './launch-error.ts';
import type { Line, Program } from './program.ts';
import { hasExecuted, readProgress } from './progress.ts';
import { listRecords, type Streams, type Surroundings } from './records.ts';
import { type LineResult, measureLines } from './results.ts';
import { readyStreams } from './streams.ts';
import { type Exit, hasEnded, waitFor, waitNow } from './wait.ts';
import { type Answer, serveWire } from './wire.ts';

export interface StartOptions {
  /** Default: this process's own three. */
  streams?: Streams;
  /** Start from inside another process's namespaces, in place of this one's. */
  from?: { pid: number; namespaces: readonly Namespace[] } | undefined;
  /** The host's half: called when the child waits at a gate, which opens when it resolves. */
  atGate?: ((gate: string, pid: number) => Promise<void>) | undefined;
  /**
   * Called before every line; the child waits meanwhile and can be looked at. `results` tells what
   * the lines before this one returned.
   */
  beforeLine?:
    | ((
        line: Line,
        index: number,
        pid: number,
        results: () => readonly LineResult[],
      ) => Promise<Answer>)
    | undefined;
  /** Measure each line. */
  timed?: boolean;
  /** SIGKILL to the child when this process ends, however it ends. Default true. */
  tether?: boolean;
}

export interface Child {
  /** As this process sees it. */
  pid: number;
  /** What each line of the program returned and, when timed, took. */
  results: readonly LineResult[];
  /** Never rejects. */
  exited: Promise<Exit>;
  /** Sends a signal, to this very process and no other that got its number. Gone is no error. */
  kill(signal?: number): void;
}

/**
 * Starts `program`; resolves when the container's own program runs. Throws LaunchError when a line
 * fails, and SyscallError when the clone does; the child is gone then.
 */
export async function start(program: Program, options: StartOptions = {}): Promise<Child> {
  const stepped = options.beforeLine !== undefined;
  const waits = stepped || program.lines.some(({ kind }) => kind === 'gate');
  const { arena, cloned, wire } = clone(program, options, waits);
  const refusal =
    wire === undefined
      ? null
      : await serveWire(wire, answerWith(program, options, cloned)).then(
          () => null,
          (error: unknown) => ({ error }),
        );
  try {
    return await settle(arena, program, cloned, waits);
  } catch (failure) {
    // The host's own reason says more than that the child was stopped by it.
    throw refusal ? refusal.error : failure;
  }
}

/** Makes the child. `wire` is the host's end, where the child waits. Leaves nothing open if it throws. */
function clone(program: Program, options: StartOptions, waits: boolean) {
  using theirs = new DisposableStack();
  using mine = new DisposableStack();
  const arena = mine.adopt(takeArena(), releaseArena);
  const from = options.from && {
    pidfd: theirs.adopt(kernel.pidfdOpen(options.from.pid, 0), closeSync),
    namespaces: options.from.namespaces,
  };
  const pair = waits ? openSocketPair() : undefined;
  const wire = pair && {
    theirs: theirs.adopt(pair[0], closeSync),
    mine: mine.adopt(pair[1], closeSync),
  };
  const around: Surroundings = {
    streams: readyStreams(options.streams ?? [0, 1, 2], theirs),
    tether: options.tether ?? true,
    stepped: options.beforeLine !== undefined,
    timed: options.timed ?? false,
    wire,
    from,
  };
  const assembled = assemble(listRecords(program, around), arena);
  const cgroup =
    program.cgroup === undefined ? undefined : theirs.adopt(openCgroup(program.cgroup), closeSync);
  const flags = from ? 0 : cloneFlags(program.namespaces);
  // What the kernel kills for want of memory in a cgroup takes along all who share that memory.
  const apart = around.stepped || (waits && cgroup !== undefined);
  const cloned = cloneInto(arena, assembled, flags | sharing(waits, apart), cgroup);
  mine.move();
  return { arena, cloned, wire: wire?.mine };
}

const { errno } = constants;
const CLONE_ARGS_SIZE = 88;

interface Cloned {
  assembled: Assembled;
  pid: number;
  pidfd: number;
}

/** A child that waits for a person should not hold our memory; one that waits for us may. */
function sharing(waits: boolean, apart: boolean): number {
  if (apart) return 0;
  return waits ? CLONE_VM : CLONE_VM | CLONE_VFORK;
}

const openCgroup = (path: string) => kernel.openat(AT_FDCWD, path, O_DIRECTORY | O_CLOEXEC);

function cloneInto(
  arena: Arena,
  assembled: Assembled,
  flags: number,
  cgroup: number | undefined,
): Cloned {
  const slot = reserve(arena, 8);
  const entry = stubEntry();
  const cloneWith = (more: number) => {
    const args = encodeCloneArgs({
      flags: ((flags | CLONE_PIDFD) >>> 0) + more,
      pidfd: arena.address + slot,
      exitSignal: SIGCHLD,
      stack: arena.address,
      stackSize: STACK_SIZE,
      cgroup: cgroup ?? 0,
    });
    const address = placeArgument(arena, args);
    return withSignalsBlocked(arena, () => callStub(entry, address, args.length, assembled.first));
  };
  // A signal that comes between the program's sigprocmask and its execve, or has waited for the
  // former, would otherwise run Node's handler, in memory and on pipes that are also ours.
  const into = cgroup === undefined ? 0 : CLONE_INTO_CGROUP;
  let pid = cloneWith(CLONE_CLEAR_SIGHAND + into);
  // Linux before 5.5 does not know the flag.
  if (pid === -errno.EINVAL) pid = cloneWith(into);
  if (pid < 0) {
    throw new SyscallError(
      'clone3',
      [{ text: `{flags=${cloneText(flags, into)}}` }, CLONE_ARGS_SIZE],
      -pid,
    );
  }
  return { assembled, pid, pidfd: arena.bytes.readInt32LE(slot) };
}

function cloneText(flags: number, into: number): string {
  const text = formatFlags(flagSets.clone, flags);
  return into === 0 ? text : `${text}|CLONE_INTO_CGROUP`;
}

/** The pid of the process that carries the list on: of the last fork that was made, or the child. */
function currentPid({ assembled, pid }: Cloned): number {
  const forks = assembled.records.flatMap(({ what }, i) => ('forkFlags' in what ? [i] : []));
  return forks.map((i) => assembled.forkedPid(i)).findLast((forked) => forked > 0) ?? pid;
}

function answerWith(program: Program, options: StartOptions, cloned: Cloned) {
  return async (index: number): Promise<Answer> => {
    const line = program.lines[index];
    const pid = currentPid(cloned);
    if (!line) return 'abort';
    const results = () => measureLines(cloned.assembled, program);
    if (options.beforeLine && (await options.beforeLine(line, index, pid, results)) === 'abort')
      return 'abort';
    if (line.kind === 'gate') await options.atGate?.(line.name, pid);
    return 'go';
  };
}

/** The child has called execve or has ended: reads the results, and gives the arena back. */
async function settle(
  arena: Arena,
  program: Program,
  cloned: Cloned,
  waits: boolean,
): Promise<Child> {
  const { assembled } = cloned;
  if (waits) await untilLeft(cloned);
  const pid = currentPid(cloned);
  const failure = findFailure(assembled, program);
  const results = measureLines(assembled, program);
  const progress = readProgress(assembled);
  releaseArena(arena);
  const exits: Promise<Exit>[] = [];
  if (pid !== cloned.pid) {
    const forked = kernel.pidfdOpen(pid, 0);
    // The process that forked has nothing left to do but exit; under CLONE_VFORK it already has.
    if (waits) await waitFor(cloned.pidfd);
    else waitNow(cloned.pidfd);
    exits.push(waitFor(forked));
  } else {
    exits.push(waitFor(cloned.pidfd));
  }
  const exited = exits[0] as Promise<Exit>;
  if (failure) {
    await exited;
    throw failure;
  }
  if (progress === 'calling') throw killedOnTheWay(await exited);
  if (progress === 'executing') await untilExecuted(pid);
  return { pid, results, exited, kill: killer(pid, exited) };
}

/**
 * The wire ends with execve, but earlier where the program itself closes every descriptor: the
 * child still walks its records then, in memory that it shares with us, and its execve may fail.
 */
async function untilLeft(cloned: Cloned): Promise<void> {
  const { assembled, pidfd } = cloned;
  const isHere = () => {
    const progress = readProgress(assembled);
    if (progress === 'executing') return !hasExecuted(currentPid(cloned));
    return progress === 'walking' || progress === 'calling';
  };
  while (isHere() && !hasEnded(pidfd)) await delay(1);
}

/**
 * execve wakes a parent under CLONE_VFORK, and ends the wire, with work still to do: for some
 * microseconds the child has our program's name, memory or descriptors, and no arguments.
 */
async function untilExecuted(pid: number): Promise<void> {
  while (!hasExecuted(pid)) await nextTurn();
}

function killer(pid: number, exited: Promise<Exit>): (signal?: number) => void {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  // Until it is collected, which only we do, the pid cannot be given to another process.
  return (signal = SIGKILL) => {
    if (!ended) kernel.kill(pid, signal);
  };
}
