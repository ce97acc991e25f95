/**
 * The parts of a program that have rooms of their own beside compile-bundle.ts, by their signatures.
 *
 *   sysctl.ts    writeSysctl: Part                      at 2: openat /proc/sys/…, write, close
 *   labels.ts    openLabel: (draft) => Part             at 2: opens /proc/self/attr/…; what it returns
 *                                                       writes the label at 9 and leaves it to close
 *                mountLabelOption: (spec) => string | null   `context="…"` for a file system's options
 *   seccomp.ts   loadSeccomp: (draft) => Result | null  at 9, no_new_privs is set or CAP_SYS_ADMIN is
 *                                                       effective still; the listener's descriptor
 *                notifies: (seccomp) => boolean         whether it comes before the gate `created`
 *   seccomp-listener.ts  sendListener(seccomp, fd, state): void
 *   hooks.ts     runHooks(hooks, state, inside): Promise<void>
 *                `inside`: null, or { pid, namespaces } to run in: createContainer and startContainer
 *   console.ts   sendTerminal(socketPath, master, name): void   SCM_RIGHTS; `master` is our descriptor
 *   features.ts  features(): object                     what `features` prints
 *   explain.ts   explainBundle(compiled): string        each line with the lab it comes from
 */
import type { Result } from '../launch/program.ts';
import type { Draft, Part } from './draft.ts';
import type { Hook, Seccomp, Spec, State } from './spec.ts';

/** For a process whose namespaces are to be entered. */
export interface InsideOf {
  pid: number;
}

export interface Parts {
  writeSysctl: Part;
  openLabel: (draft: Draft) => Part;
  mountLabelOption: (spec: Spec) => string | null;
  loadSeccomp: (draft: Draft) => Result | null;
  notifies: (seccomp: Seccomp | undefined) => boolean;
  sendListener: (seccomp: Seccomp, fd: number, state: State) => void;
  runHooks: (hooks: readonly Hook[], state: State, inside: InsideOf | null) => Promise<void>;
  sendTerminal: (socketPath: string, master: number, name: string) => void;
}
