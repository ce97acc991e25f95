/**
 * A bundle on its way to a launch program. Each concern has a file of its own, whose function writes
 * its lines into the draft; compile-bundle.ts calls them in this order, and knows nothing more of them:
 *
 *   1 cgroups, namespaces          gate `namespaces`: the host writes id maps and limits,
 *                                  and runs the hooks prestart and createRuntime
 *   2 sysctl, label (opened)       in the container's namespaces, as root of them, the host's /proc to be seen
 *   3 sources                      of all mounts, opened or made as detached mounts
 *   4 pivot_root                   the host's mounts are gone
 *   5 mounts, devices, console     put in place from inside
 *                                  gate `terminal`: the host hands the terminal's master on
 *   6 masked and read-only paths, read-only root, names
 *   7 umask, cwd, personality, scheduler, groups, uid with its capabilities kept
 *                                  gate `created`: the host looks the executable up, writes the state
 *   8 wait for `start`             a byte comes through the start FIFO
 *   9 label, close all, no_new_privs, seccomp, the five sets of capabilities, execve
 *
 * With a seccomp action that notifies, seccomp comes before the gate `created`, because the listener
 * is to be handed on by `create`.
 */
import type { Calls } from '../launch/program.ts';
import type { Spec } from './spec.ts';

export interface Bundle {
  /** An absolute path. */
  directory: string;
  spec: Spec;
}

export interface Draft {
  readonly call: Calls;
  readonly id: string;
  readonly bundle: Bundle;
  readonly spec: Spec;
  /** Root in a user namespace only: a new one, one that is joined, or the one that we are in. */
  readonly confined: boolean;
}

/** Writes lines into the program. Throws OciError for what cannot be done, before anything is. */
export type Part = (draft: Draft) => void;
