/**
 * Makes the child of a launch: clone3 into the stub, with the records laid out in an arena.
 * start.ts says how it goes on from there.
 * clone3 in clone(2), pidfd_open(2)
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
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
} from '../kernel/constants.ts';
import { flagSets, formatFlags } from '../kernel/flags.ts';
import { callStub } from '../kernel/libc.ts';
import { placeArgument, reserve } from '../kernel/memory.ts';
import { cloneFlags } from '../kernel/namespaces.ts';
import { openSocketPair } from '../kernel/pairs.ts';
import { encodeCloneArgs } from '../kernel/structs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import {
  type Arena,
  releaseArena,
  STACK_SIZE,
  STUB_SIZE,
  stubEntry,
  takeArena,
  withSignalsBlocked,
} from './arena.ts';
import { type Assembled, assemble } from './assemble.ts';
import type { Program } from './program.ts';
import { readyStreams } from './ready-streams.ts';
import { listRecords, type Surroundings } from './records.ts';
import { mappingsBeside } from './shed.ts';
import type { StartOptions } from './start.ts';

/** Makes the child. `wire` is the host's end, where the child waits. Leaves nothing open if it throws. */
export function clone(
  program: Program,
  options: Omit<StartOptions, 'atGate'>,
  waits: boolean,
  outlives: { closeFrom: number; keep?: readonly number[] } | null = null,
) {
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
  const cgroup =
    program.cgroup === undefined ? undefined : theirs.adopt(openCgroup(program.cgroup), closeSync);
  const around: Surroundings = {
    streams: readyStreams(options.streams ?? [0, 1, 2], theirs),
    tether: options.tether ?? true,
    stepped: options.beforeLine !== undefined,
    timed: options.timed ?? false,
    wire,
    from,
    shed: outlives
      ? mappingsBeside([arena.address, arena.bytes.length], [stubEntry(), STUB_SIZE])
      : null,
    ...(outlives ? { ...outlives, cgroup } : {}),
  };
  const assembled = assemble(listRecords(program, around), arena);
  const flags = from || outlives ? 0 : cloneFlags(program.namespaces);
  // What the kernel kills for want of memory in a cgroup takes along all who share that memory.
  const first = outlives ? undefined : cgroup;
  const apart = around.stepped || (waits && first !== undefined);
  const cloned = cloneInto(arena, assembled, flags | sharing(waits, apart), first);
  mine.move();
  return { arena, cloned, wire: wire?.mine };
}

const { errno } = constants;
const CLONE_ARGS_SIZE = 88;

export interface Cloned {
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
export function currentPid({ assembled, pid }: Cloned): number {
  const forks = assembled.records.flatMap(({ what }, i) => ('forkFlags' in what ? [i] : []));
  return forks.map((i) => assembled.forkedPid(i)).findLast((forked) => forked > 0) ?? pid;
}
