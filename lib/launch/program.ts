/**
 * A launch program: the list of system calls that turns a cloned child into a container, as a
 * value. `launch` writes one down in the order of C; nothing is called until start.ts runs it.
 *
 *   launch({ namespaces: ['mount'] }, (call) => {
 *     call.mount(null, '/', null, MS_REC | MS_PRIVATE);
 *     const tree = call.openTree(AT_FDCWD, rootfs, OPEN_TREE_CLONE);
 *     call.moveMount(tree, '', AT_FDCWD, '/mnt', MOVE_MOUNT_F_EMPTY_PATH);
 *     call.execve('/bin/sh', ['sh'], env);
 *   });
 *
 * A line that fails ends the child, unless it was written with `call.attempt`. A descriptor may be
 * the Result of an earlier line. `call.gate(name)` waits for the host's half; `call.fork(flags)`
 * clones again, and the list goes on in the new child.
 */
import { type Argument, spread } from '../kernel/arguments.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import { type CallName, signatures } from '../kernel/signatures.ts';
import type { Syscalls } from '../kernel/syscalls.ts';

/** Stands for what an earlier line will have returned. */
export interface Result {
  readonly of: Line;
}

export interface CallLine {
  kind: 'call';
  call: CallName;
  args: readonly (Argument | Result)[];
  /** The program goes on when this call fails. */
  mayFail: boolean;
}

/** The child waits until the host's half has been done and the gate is opened. */
export interface GateLine {
  kind: 'gate';
  name: string;
}

/** clone3(2) with `flags`; the new child, a child of the same parent, goes on with the list. */
export interface ForkLine {
  kind: 'fork';
  flags: number;
}

export type Line = CallLine | GateLine | ForkLine;

export interface Program {
  /** Namespaces that the child is cloned into. */
  readonly namespaces: readonly Namespace[];
  /**
   * Directory of the cgroup version 2 that the child is cloned into (CLONE_INTO_CGROUP): it has
   * never been anywhere else.
   */
  readonly cgroup?: string | undefined;
  readonly lines: readonly Line[];
}

export interface Calls extends Syscalls<number | Result, Result> {
  /** The same calls, but a failure lets the program go on. */
  attempt: Syscalls<number | Result, Result>;
  gate(name: string): void;
  fork(flags: number): void;
}

/** Writes a program down. `body` is run once, now; it makes no system call. */
export function launch(
  options: { namespaces?: readonly Namespace[]; cgroup?: string | null | undefined },
  body: (call: Calls) => void,
): Program {
  const lines: Line[] = [];
  const writer = (mayFail: boolean) =>
    Object.fromEntries(
      (Object.keys(signatures) as CallName[]).map((call) => [
        call,
        (...given: unknown[]): Result => {
          const line: CallLine = { kind: 'call', call, args: spread(call, given), mayFail };
          lines.push(line);
          return { of: line };
        },
      ]),
    ) as unknown as Syscalls<number | Result, Result>;
  body({
    ...writer(false),
    attempt: writer(true),
    gate: (name) => void lines.push({ kind: 'gate', name }),
    fork: (flags) => void lines.push({ kind: 'fork', flags }),
  });
  const { namespaces = [], cgroup } = options;
  return { namespaces, ...(cgroup ? { cgroup } : {}), lines };
}

export const isResult = (argument: unknown): argument is Result =>
  typeof argument === 'object' && argument !== null && 'of' in argument;
