/**
 * A runtime is two lists: what the host does, and what the child does. A lab's `runtime.ts` is a
 * function from a container's description to these lists; run.ts carries them out.
 *
 *   host                                   container
 *   prepare: directories, bridge …
 *   clone  ──────────────────────────────▶ the program starts
 *   connect: id maps, veth                 waits at its gate
 *   open the gate ───────────────────────▶ mounts, pivot_root, execve
 *   wait; undo, newest first
 */
import type { Limits } from '../cgroups/limits.ts';
import type { CgroupPlan } from '../cgroups/plan.ts';
import type { Action, Inside } from '../host/action.ts';
import type { Program } from '../launch/program.ts';
import type { NetworkPlan } from '../network/plan.ts';
import type { LayerPlan } from '../overlay/plan.ts';

/** What is to be run, in the words of the OCI runtime specification. */
export interface Container {
  /** Unique on this machine; also the value of `container` in the environment. */
  id: string;
  /** A directory that holds the container's root filesystem, an absolute path. */
  rootfs: string;
  hostname: string;
  /** `argv[0]` is a path inside the root. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Names and addresses for its network, should the runtime give it one. */
  network: NetworkPlan;
  /** What its root is merged from, should the runtime give it a layer of its own. */
  layers: LayerPlan;
  /** Directories for its cgroup, should the runtime give it one. */
  cgroup: CgroupPlan;
  /** What it may use at most; what is not said is not limited. */
  limits?: Limits | undefined;
  /** Where the host's half works: null is this process's own namespaces. */
  host: Inside | null;
}

export interface Runtime {
  /** Before the clone. */
  prepare: readonly Action[];
  program: Program;
  /** While the child waits at its gate; `pid` is its pid on the host. */
  connect: (pid: number) => readonly Action[];
}

export type RuntimeFunction = (container: Container) => Runtime;
