/**
 * The subject of a lab: a runtime that is looked at. Steps, checks and attacks start containers
 * through it and do not know whether it is the lab's runtime, the previous lab's, the learner's own
 * or one with a line left out.
 */

import type { Limits } from '../cgroups/limits.ts';
import type { CgroupPlan } from '../cgroups/plan.ts';
import type { CgroupSite } from '../cgroups/site.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import type { Calls } from '../launch/program.ts';
import type { LineResult } from '../launch/results.ts';
import type { Exit } from '../launch/wait.ts';
import type { NetworkPlan } from '../network/plan.ts';
import type { Server } from '../network/server.ts';
import type { LayerPlan } from '../overlay/plan.ts';
import type { RuntimeModule, UnpackFunction } from './lab.ts';
import type { LabImages } from './lab-images.ts';

/** The machine that the lab's containers are started on: namespaces of its own, safe to break. */
export interface LabHost {
  /** A process that holds its mount, network, uts and ipc namespaces; with `--on-host` this one. */
  pid: number;
  /** Runs a command on it without a shell; returns its standard output. Throws when it fails. */
  run(argv: readonly string[], options?: { input?: string }): Promise<string>;
}

export interface StartRequest {
  /** Default: a shell that reads commands from `type`. */
  argv?: readonly string[];
  /** The image below it, by its name in the lab's store; the lab's base image unless given. */
  image?: string;
  /** Instead of a program: system calls that the container's process makes once it is set up. */
  calls?: (call: Calls) => void;
  env?: Readonly<Record<string, string>>;
  hostname?: string;
  /** For its cgroup, where the runtime gives it one. */
  limits?: Limits;
  /** Where its cgroup is made, in place of where the run's are: `--cgroup-parent` of docker. */
  cgroups?: CgroupSite;
  /** Measure each line. */
  timed?: boolean;
}

export interface Running {
  /** On the host. */
  pid: number;
  /** The container's id, also in its environment as `container`. */
  id: string;
  results: readonly LineResult[];
  /** Names and addresses that it has where the runtime gives it a network. */
  network: NetworkPlan;
  /** Directories that it has where the runtime gives it a layer of its own. */
  layers: LayerPlan;
  /** Directories that it has where the runtime gives it a cgroup. */
  cgroup: CgroupPlan;
  /** Types a command to the container's shell; resolves to what it printed, both streams. */
  type(command: string): Promise<string>;
  /** Everything printed until it ended. */
  output(): Promise<string>;
  exited: Promise<Exit>;
  kill(signal?: number): void;
  /** Ends it and undoes what the host did for it. */
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Subject {
  /** "lab 03", "my/runtime.ts", "lab 03 without pivot_root(…)". */
  name: string;
  /** This run's own copy of the root filesystem; a container may write into it. */
  rootfs: string;
  host: LabHost;
  /** The run's own store, in labs whose containers are made from images; `rootfs` is in it. */
  images: LabImages | null;
  /** What lies beyond the host's network, made when it is first asked for: OUTSIDE in plan.ts. */
  outside(): Promise<Server>;
  start(request?: StartRequest): Promise<Running>;
  /**
   * The same runtime without the first line that begins so when printed, for instance
   * `chdir("/")`; one of `join` is `join: setns(`. Throws RangeError where no line does.
   */
  without(line: string): Subject;
  /** Another runtime at the same workbench, for instance an earlier lab's. */
  under(module: RuntimeModule, name: string): Subject;
  /** How it makes directories of an image's layers; only where the runtime has `unpack`. */
  unpack?: UnpackFunction;
  /** A process in some namespaces of a running container; only where the runtime has `join`. */
  join?(
    target: Running,
    request: { namespaces: readonly Namespace[]; argv: readonly string[] },
  ): Promise<Running>;
}
