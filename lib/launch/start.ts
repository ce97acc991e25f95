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
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { kernel } from '../kernel/call.ts';
import { SIGKILL } from '../kernel/constants.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import { type Arena, releaseArena } from './arena.ts';
import { type Cloned, clone, currentPid } from './clone.ts';
import { findFailure, killedOnTheWay } from './launch-error.ts';
import type { Line, Program } from './program.ts';
import { hasExecuted, readProgress } from './progress.ts';
import type { Streams } from './records.ts';
import { type LineResult, measureLines } from './results.ts';
import { type Exit, hasEnded, waitFor, waitNow } from './wait.ts';
import { type Answer, serveWire } from './wire.ts';

export interface StartOptions {
  /** Default: this process's own three. */
  streams?: Streams;
  /** Start from inside another process's namespaces, in place of this one's. */
  from?: { pid: number; namespaces: readonly Namespace[] } | undefined;
  /**
   * The host's half: called when the child waits at a gate, which opens when it resolves.
   * `results` tells what the lines so far returned.
   */
  atGate?:
    | ((gate: string, pid: number, results: () => readonly LineResult[]) => Promise<void>)
    | undefined;
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

export function answerWith(program: Program, options: StartOptions, cloned: Cloned) {
  return async (index: number): Promise<Answer> => {
    const line = program.lines[index];
    const pid = currentPid(cloned);
    if (!line) return 'abort';
    const results = () => measureLines(cloned.assembled, program);
    if (options.beforeLine && (await options.beforeLine(line, index, pid, results)) === 'abort')
      return 'abort';
    if (line.kind === 'gate') await options.atGate?.(line.name, pid, results);
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
