/**
 * Starting a child that outlives this process: it is served up to its last gate, and then left
 * alone. It is a copy that has shed our memory, has nothing of ours open but what the program keeps,
 * and is not tethered: when we end before that gate is opened, it ends there as well.
 *
 *   parent                          child
 *   clone3 ───────────────────────▶ line, gate, line, …
 *   the last gate is opened ──────▶ line, line, … execve
 *   returns, may end                goes on, its parent is the next subreaper
 *
 * PR_SET_CHILD_SUBREAPER in prctl(2)
 */
import { kernel } from '../kernel/call.ts';
import { releaseArena } from './arena.ts';
import { clone, currentPid } from './clone.ts';
import { findFailure, killedOnTheWay, LaunchError } from './launch-error.ts';
import type { Program } from './program.ts';
import { answerWith, type StartOptions } from './start.ts';
import { type Exit, waitFor } from './wait.ts';
import { serveWire } from './wire.ts';

export interface LeaveOptions extends Pick<StartOptions, 'streams' | 'from' | 'atGate'> {
  /** The name of the program's last gate. */
  lastGate: string;
  /** Descriptors from 3 up to this one, without it, are the program's too. Default 3: none. */
  closeFrom?: number;
  /** Descriptors above that the program uses by their numbers. */
  keep?: readonly number[];
}

export interface LeftChild {
  /** As this process sees it. */
  pid: number;
  /** How it ends. Whoever stays calls it, once: it gives back what the child has had of ours. */
  wait(): Promise<Exit>;
}

/**
 * Resolves when the last gate has been opened. Throws what `atGate` threw, LaunchError when a line
 * before that gate failed, SyscallError when the clone did; the child is gone then.
 */
export async function startAndLeave(program: Program, options: LeaveOptions): Promise<LeftChild> {
  const { lastGate, closeFrom = 3, keep = [], ...startOptions } = options;
  const last = program.lines.findLastIndex(({ kind }) => kind === 'gate');
  const gate = program.lines[last];
  if (gate?.kind !== 'gate' || gate.name !== lastGate) {
    throw new LaunchError(`the program's last gate is not ${lastGate}`, null, {});
  }
  const { arena, cloned, wire } = clone(program, { ...startOptions, tether: false }, true, {
    closeFrom,
    keep,
  });
  if (wire === undefined) throw new LaunchError('the child has no wire', null, {});
  const answer = answerWith(program, startOptions, cloned);
  let left = false;
  const refusal = await serveWire(wire, async (index) => {
    const said = await answer(index);
    left = index === last && said === 'go';
    return left ? 'leave' : said;
  }).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  const pid = currentPid(cloned);
  // The first of the two has nothing left to do but exit.
  await waitFor(cloned.pidfd);
  if (left) {
    const pidfd = kernel.pidfdOpen(pid, 0);
    // The child still walks in the arena: it is given back when there is no child any more.
    const wait = async () => {
      const exit = await waitFor(pidfd);
      releaseArena(arena);
      return exit;
    };
    return { pid, wait };
  }
  const exit = pid === cloned.pid ? null : await endOf(pid);
  const failure = findFailure(cloned.assembled, program);
  releaseArena(arena);
  if (refusal) throw refusal.error;
  throw failure ?? killedOnTheWay(exit ?? { signal: 'SIGKILL' });
}

/** Our child, by CLONE_PARENT: its number is its own until we have collected it. */
const endOf = (pid: number): Promise<Exit> => waitFor(kernel.pidfdOpen(pid, 0));
