/**
 * From a program's lines to the flat list of calls that the child makes. Besides the program's
 * own lines it holds what the launch itself owes the child: to die with its parent, to join the
 * host that it is started from, to have its standard streams, and to stop at gates.
 *
 *   close wire · join + fork · tether · streams · line, line, gate, line … execve
 *
 * Pure: nothing is called, nothing is placed in memory (assemble.ts does that).
 */
import {
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  F_SETFD,
  PR_SET_PDEATHSIG,
  SIGKILL,
  TIOCSCTTY,
} from '../kernel/constants.ts';
import { cloneFlags, type Namespace } from '../kernel/namespaces.ts';
import type { CallLine, Line, Program } from './program.ts';
import { launch } from './program.ts';
import type { Range } from './shed.ts';
import { FORK, MAY_FAIL, MIN1 } from './stub/stub.ts';

export interface Record {
  /** A call, or a clone whose argument needs an address that assembling knows. */
  what: Pick<CallLine, 'call' | 'args'> | { forkFlags: number; cgroup?: number | undefined };
  flags: number;
  /** The program's line that this record is, or null for one that the launch added. */
  line: Line | null;
  /** Set on the record at which the child waits: the host is told this number. */
  pauseAt?: number;
}

/**
 * The container's three streams, as descriptors of this process. They are put in place one after
 * the other: see `readyStreams` in ready-streams.ts for those that would cover each other.
 */
export type Streams = readonly [stdin: number, stdout: number, stderr: number] | { tty: number };

export interface Surroundings {
  streams: Streams;
  /** SIGKILL to the child when this process ends, however it ends. */
  tether: boolean;
  /** Start from inside these namespaces, through this pidfd, in place of this process's own. */
  from?: { pidfd: number; namespaces: readonly Namespace[] } | undefined;
  /** The child's and the host's end of the socket pair on which the child waits. */
  wire?: { theirs: number; mine: number } | undefined;
  /** Wait before every line, not only at gates. */
  stepped: boolean;
  /**
   * Set for a child that outlives this process: it is a copy of it, and unmaps these.
   */
  shed?: readonly Range[] | null;
  /** With `shed`: descriptors from this one on are closed, but for the child's end of the wire. */
  closeFrom?: number;
  /** Of those, the ones that it keeps; close-on-exec as they are. */
  keep?: readonly number[];
  /** With `shed`: the directory of a cgroup of version 2 into which it is made. */
  cgroup?: number | undefined;
  /** Read the clock around every line into these records' memory. */
  timed: boolean;
}

/** The records of `program` started in `around`. */
export function listRecords(program: Program, around: Surroundings): Record[] {
  const { wire, from, shed } = around;
  const sharing = shed ? 0 : CLONE_VM | CLONE_VFORK;
  const records: Record[] = [];
  const add = (body: Parameters<typeof launch>[1]) =>
    records.push(...launch({}, body).lines.map((line) => recordOf(line, null, sharing)));
  const tie = () => add((call) => around.tether && call.prctl(PR_SET_PDEATHSIG, SIGKILL));

  if (wire) add((call) => call.close(wire.mine));
  if (from) {
    add((call) => call.setns(from.pidfd, cloneFlags(from.namespaces)));
  }
  // Twice for one that is a copy: the first shares our memory, and so is rid of the area that the
  // kernel writes to for rseq(2), which the second is to unmap.
  if (from || shed)
    records.push(forkRecord(cloneFlags(program.namespaces), sharing, null, around.cgroup));
  for (const [address, length] of shed ?? []) add((call) => call.munmap(address, length));
  tie();
  add((call) => placeStreams(call, around.streams));
  if (shed)
    add((call) =>
      closeOurs(call, around.closeFrom ?? 3, [wire?.theirs ?? -1, ...(around.keep ?? [])]),
    );
  program.lines.forEach((line, index) => {
    if (wire && (around.stepped || line.kind === 'gate')) {
      // The time that the child waits here is not the line's before.
      if (around.timed) add(readClock);
      records.push(...pause(wire.theirs, index));
    }
    if (around.timed) add(readClock);
    if (line.kind !== 'gate') records.push(recordOf(line, line, sharing));
    if (!unties(line)) return;
    // Nor is this time the line's.
    if (around.timed && line.kind === 'call') add(readClock);
    tie();
  });
  if (around.timed) add(readClock);
  return records;
}

/** The kernel forgets PR_SET_PDEATHSIG in a new process, and where credentials change. prctl(2) */
const unties = (line: Line) =>
  line.kind === 'fork' ||
  (line.kind === 'call' && ['setuid', 'setgid', 'setns', 'unshare'].includes(line.call));

function recordOf(line: Line, origin: Line | null, sharing: number): Record {
  if (line.kind === 'fork') return forkRecord(line.flags, sharing, origin);
  if (line.kind === 'gate') throw new TypeError('a gate is two records, not one');
  return { what: line, flags: line.mayFail ? MAY_FAIL : 0, line: origin };
}

// The process that clones does nothing more than exit, so the new child may borrow its memory
// (VM, VFORK) instead of copying it, where that is not to be given up, and belongs to the process that waits for it (PARENT).
const forkRecord = (
  flags: number,
  sharing: number,
  line: Line | null,
  cgroup?: number,
): Record => ({
  what: { forkFlags: (flags | CLONE_PARENT | sharing) >>> 0, cgroup },
  flags: FORK,
  line,
});

/** Tells the host that the child has come to line `index`, and waits for a byte from it. */
function pause(wire: number, index: number): Record[] {
  const number = new Uint8Array(Uint32Array.of(index).buffer);
  return [
    { what: { call: 'write', args: [wire, number, 4] }, flags: 0, line: null, pauseAt: index },
    // End of file means that the host has gone or does not want it to go on: MIN1 stops it.
    { what: { call: 'read', args: [wire, new Uint8Array(1), 1] }, flags: MIN1, line: null },
  ];
}

const CLOCK_MONOTONIC = 1;

function readClock(call: Parameters<Parameters<typeof launch>[1]>[0]): void {
  call.clockGettime(CLOCK_MONOTONIC, new Uint8Array(16));
}

/** What a copy has open of its parent's would stay open as long as it waits. */
function closeOurs(
  call: Parameters<Parameters<typeof launch>[1]>[0],
  first: number,
  kept: readonly number[],
): void {
  let from = first;
  for (const fd of kept.filter((one) => one >= first).toSorted((a, b) => a - b)) {
    if (fd > from) call.closeRange(from, fd - 1, 0);
    from = fd + 1;
  }
  call.closeRange(from, 0xffffffff, 0);
}

/** Node's descriptors are close-on-exec, 0 to 2 as well: dup3 clears it, or F_SETFD in place. */
function placeStreams(call: Parameters<Parameters<typeof launch>[1]>[0], streams: Streams): void {
  const place = (from: number, to: number) =>
    from === to ? call.fcntl(to, F_SETFD, 0) : call.dup3(from, to, 0);
  if ('tty' in streams) {
    call.setsid();
    call.ioctl(streams.tty, TIOCSCTTY, null);
    for (const to of [0, 1, 2]) place(streams.tty, to);
  } else {
    streams.forEach(place);
  }
}
