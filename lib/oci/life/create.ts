/**
 * `create`: the container is made and waits. What is done on the host is written into its state
 * before, so that a maker that is killed at any moment leaves what `delete --force` can clear.
 *
 *   this process                               the container's
 *   directory, state, FIFO, cgroup, limits
 *   clone ───────────────────────────────────▶ namespaces
 *   its pid into the state, cgroup, id maps    waits at `namespaces`
 *   hooks prestart, createRuntime
 *   the gate opens ──────────────────────────▶ mounts, pivot_root, devices
 *   terminal's master to the console socket    waits at `terminal`
 *   program looked up, limits, hooks           waits at `created`
 *   state `created`, pid file; returns ──────▶ waits for a byte in the FIFO
 */
import { closeSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CgroupSite, detectSite } from '../../cgroups/site.ts';
import { kernel } from '../../kernel/call.ts';
import { AT_FDCWD, S_IFIFO } from '../../kernel/constants.ts';
import { copyDescriptor } from '../../kernel/sockets.ts';
import { type LeftChild, startAndLeave } from '../../launch/leave.ts';
import type { Program, Result } from '../../launch/program.ts';
import type { Streams } from '../../launch/records.ts';
import type { LineResult } from '../../launch/results.ts';
import { identify } from '../../observe/process.ts';
import {
  assertUnused,
  CgroupTaken,
  type ContainerCgroup,
  makeContainerCgroup,
  NO_CGROUP,
  planContainerCgroup,
  planOf,
  viewOf,
} from '../cgroup.ts';
import { explainDoors, openDoors } from '../cgroup-doors.ts';
import { type Compiled, compileBundle } from '../compile-bundle.ts';
import type { Bundle } from '../draft.ts';
import { type HookOptions, runHooks } from '../hooks.ts';
import { writeIdMaps } from '../id-maps.ts';
import { explainKeyring } from '../keyring.ts';
import { OciError } from '../oci-error.ts';
import { isPrivileged } from '../privilege.ts';
import { limitsOf } from '../process.ts';
import { applyDeviceRules, applyResources } from '../resources.ts';
import { sendListener } from '../seccomp-listener.ts';
import type { HookName, Process, Spec } from '../spec.ts';
import { copyTree } from './copy-tree.ts';
import { clear } from './delete.ts';
import { assertExecutable } from './executable.ts';
import { handTerminal } from './hand-terminal.ts';
import { readInnerIds } from './inner-ids.ts';
import { mapMounts } from './map-mounts.ts';
import { writePidFile } from './pid-file.ts';
import {
  type Paths,
  removeDirectory,
  reserve,
  type Stored,
  stateOf,
  withContainer,
  writeStored,
} from './store.ts';

export interface CreateOptions {
  root: string;
  id: string;
  bundle: Bundle;
  pidFile?: string | undefined;
  /** Where the terminal's master goes; null: the caller keeps it (`onTerminal`). */
  consoleSocket?: string | undefined;
  onTerminal?: ((master: number) => void) | undefined;
  preserveFds: number;
  noPivot: boolean;
  noNewKeyring: boolean;
  /** Told of hooks that failed when nothing was left of it any more. */
  warn?: ((line: string) => void) | undefined;
  /** Default: this process's own three. */
  streams?: Streams | undefined;
  /** Another program in the place of its own: what if a line were not there? */
  rewrite?: ((program: Program) => Program) | undefined;
}

/** Throws OciError, LaunchError or CgroupError; nothing is left of it then. */
export async function createContainer(options: CreateOptions): Promise<LeftChild> {
  const { root, id, bundle } = options;
  const { spec } = bundle;
  const site = detectSite(id, false);
  const cgroup = planContainerCgroup(spec, id, site);
  assertTerminal(options);
  const paths = reserve(root, id);
  return await withContainer(root, id, async () => {
    assertFree(cgroup, paths);
    const stored: Stored = {
      id,
      bundle: bundle.directory,
      rootfs: resolve(bundle.directory, spec.root?.path ?? ''),
      ociVersion: spec.ociVersion,
      created: new Date().toISOString(),
      phase: 'creating',
      init: null,
      cgroup,
      ...(options.noNewKeyring ? { noNewKeyring: true } : {}),
      ...(spec.annotations ? { annotations: spec.annotations } : {}),
    };
    writeStored(paths, stored);
    try {
      return await make(options, paths, stored, site);
    } catch (error) {
      for (const warning of await clear(paths, stored)) options.warn?.(warning);
      throw error;
    }
  });
}

async function make(
  options: CreateOptions,
  paths: Paths,
  stored: Stored,
  site: CgroupSite,
): Promise<LeftChild> {
  const { bundle, id, preserveFds, noPivot, noNewKeyring } = options;
  const { spec } = bundle;
  const { linux = {} } = spec;
  writeFileSync(paths.config, JSON.stringify(spec), { mode: 0o600 });
  kernel.mknodat(AT_FDCWD, paths.fifo, S_IFIFO | 0o600, 0);
  using mapped = await mapMounts(bundle);
  makeOwnCgroup(stored, site);
  using doors = openDoors(stored.cgroup);
  const compiled = compileBundle(bundle, {
    id,
    mapped: mapped.trees,
    fifo: paths.fifo,
    cgroups: viewOf(stored.cgroup, site),
    doors,
    preserveFds,
    noPivot,
    noNewKeyring,
  });
  const plan = planOf(stored.cgroup, id, site);
  applyResources(plan, linux.resources ?? {});
  // Without root nobody may give a cgroup such rules, and nobody make a node in a user namespace.
  if (isPrivileged() || !compiled.confined) {
    applyDeviceRules(plan, linux.resources?.devices ?? []);
  }

  const hooks = async (name: HookName, where: HookOptions = {}) => {
    const waiting = stored.init ?? undefined;
    const options = { ...where, ...(waiting ? { waiting } : {}) };
    await runHooks(spec.hooks, name, stateOf(stored, 'creating'), options);
  };
  const gates: Record<string, (pid: number, results: Results) => Promise<void> | void> = {
    namespaces: async (pid) => {
      stored.init = identify(pid);
      writeStored(paths, stored);
      if (compiled.namespaces.fresh.includes('user')) await writeIdMaps(pid, linux);
      if (compiled.confined && spec.process) setLimits(pid, spec.process);
      adjustOomScore(pid, spec.process?.oomScoreAdj);
      await hooks('prestart');
      await hooks('createRuntime');
    },
    hooks: (pid) => hooks('createContainer', { inside: { pid } }),
    'copy-up': (pid, results) => copyUp(compiled, pid, results),
    terminal: (pid, results) => takeTerminal(compiled, options, pid, results),
    created: (pid, results) => {
      const { process: ran } = spec;
      if (ran) {
        assertExecutable(pid, { args: ran.args ?? [], env: compiled.env, cwd: ran.cwd });
      }
      handListener(compiled, spec, stored, pid, results);
      stored.phase = 'created';
      writeStored(paths, stored);
      if (options.pidFile) writePidFile(options.pidFile, pid);
    },
  };
  const { streams, rewrite = (program) => program } = options;
  const program = rewrite(compiled.program);
  try {
    return await startAndLeave(program, {
      ...(streams ? { streams } : {}),
      lastGate: 'created',
      closeFrom: 3 + preserveFds,
      keep: [...mapped.trees.values(), ...doors.v1.map(({ fd }) => fd)],
      atGate: async (gate, pid, results) => gates[gate]?.(pid, results),
    });
  } catch (error) {
    throw explainKeyring(explainDoors(error, doors, program), program);
  }
}

/** Before anything is noted of it: what is noted is what is taken away. */
function assertFree(cgroup: ContainerCgroup, paths: Paths): void {
  try {
    assertUnused(cgroup);
  } catch (error) {
    removeDirectory(paths);
    throw error;
  }
}

function makeOwnCgroup(stored: Stored, site: CgroupSite): void {
  try {
    makeContainerCgroup(stored.cgroup, site);
  } catch (error) {
    // What is removed now must not be somebody else's.
    if (error instanceof CgroupTaken) {
      stored.cgroup = { ...NO_CGROUP, parents: stored.cgroup.parents };
    }
    throw error;
  }
}

export type Results = () => readonly LineResult[];

/** What a line returned in the child: a descriptor of its. */
export function resultIn(results: Results, of: Result): number {
  const found = results().find(({ line }) => line === of.of)?.result;
  if (found === undefined || found === null) throw new OciError('a line has no result yet');
  return found;
}

function assertTerminal({ bundle, consoleSocket, onTerminal }: CreateOptions): void {
  const terminal = bundle.spec.process?.terminal ?? false;
  if (terminal && !consoleSocket && !onTerminal) {
    throw new OciError('cannot allocate tty if runc will detach without setting console socket');
  }
  if (!terminal && consoleSocket) {
    throw new OciError('cannot use console socket if runc will not detach or allocate tty');
  }
}

function takeTerminal(
  { terminal }: Compiled,
  { consoleSocket, onTerminal, bundle }: CreateOptions,
  pid: number,
  results: Results,
): void {
  if (!terminal) return;
  const master = copyDescriptor(pid, resultIn(results, terminal));
  handTerminal(master, { size: bundle.spec.process?.consoleSize, consoleSocket, onTerminal });
}

function handListener(
  { listener }: Compiled,
  { linux }: Spec,
  stored: Stored,
  pid: number,
  results: Results,
): void {
  if (!listener || !linux?.seccomp) return;
  const fd = copyDescriptor(pid, resultIn(results, listener));
  try {
    sendListener(linux.seccomp, fd, stateOf(stored, 'creating'));
  } finally {
    closeSync(fd);
  }
}

function adjustOomScore(pid: number, score: number | undefined): void {
  if (score !== undefined) writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
}

/** Of a process in a user namespace, from outside, with our privilege; it has our user still. */
export function setLimits(pid: number, process: Process): void {
  for (const [resource, limit] of limitsOf(process)) kernel.prlimit64(pid, resource, limit);
}

/** Into the tmpfs that nobody sees yet, by the descriptor that the child has of it. */
function copyUp({ copyUps, namespaces }: Compiled, pid: number, results: Results): void {
  const { fresh, joined } = namespaces;
  const isInner = [...fresh, ...joined.map(({ kind }) => kind)].includes('user');
  const ids = isInner ? readInnerIds(pid) : null;
  for (const { from, tree } of copyUps) {
    copyTree(from, `/proc/${pid}/fd/${resultIn(results, tree)}`, ids);
  }
}
