/**
 * What is kept of containers: a directory for each below `--root`, mode 0700.
 *
 *   ROOT/ID/state.json    who its first process is, its cgroup, how far it has come; written whole
 *   ROOT/ID/config.json   the configuration that it was made from
 *   ROOT/ID/start.fifo    while it waits to be started
 *   ROOT/ID/lock          held by whoever changes it
 *
 * What is written about a container is written before it is made, so that whoever finds the
 * directory can take away all that its maker did before it was killed.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFreezeAsked } from '../../cgroups/freeze.ts';
import { isStillAt, tryLock } from '../../image/lock.ts';
import { type Identity, isSame } from '../../observe/process.ts';
import type { ContainerCgroup } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import type { Spec, State, Status } from '../spec.ts';

export interface Stored {
  id: string;
  bundle: string;
  rootfs: string;
  ociVersion: string;
  /** ISO 8601. */
  created: string;
  /** `creating` also where whoever made it was killed on the way. */
  phase: 'creating' | 'created' | 'started';
  /** The first process; null before there is one. */
  init: Identity | null;
  cgroup: ContainerCgroup;
  /** It has its maker's session keyring. */
  noNewKeyring?: boolean;
  annotations?: Record<string, string>;
}

export interface Paths {
  directory: string;
  state: string;
  config: string;
  fifo: string;
  lock: string;
}

export function pathsOf(root: string, id: string): Paths {
  assertId(id);
  const directory = join(root, id);
  const at = (name: string) => join(directory, name);
  return {
    directory,
    state: at('state.json'),
    config: at('config.json'),
    fifo: at('start.fifo'),
    lock: at('lock'),
  };
}

function assertId(id: string): void {
  if (/^[\w+.-]+$/.test(id) && id !== '.' && id !== '..' && id.length <= 1024) return;
  throw new OciError(
    `invalid container ID format: ${JSON.stringify(id)}; use letters, digits, _ + . -`,
  );
}

/** Makes the container's directory. Throws OciError when there is one. */
export function reserve(root: string, id: string): Paths {
  const paths = pathsOf(root, id);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  try {
    mkdirSync(paths.directory, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new OciError(
      `container with given ID already exists: ${id}; delete it, or choose another id`,
      {
        cause,
      },
    );
  }
  return paths;
}

/**
 * One at a time for each container. Throws OciError when it does not exist, or goes meanwhile. A
 * child that is left behind has to have closed the lock: it is held as long as anybody has it open.
 */
export async function withContainer<T>(
  root: string,
  id: string,
  work: (paths: Paths) => T | Promise<T>,
  /** Done again and again while somebody else has it. */
  whileHeld: (paths: Paths) => void = () => undefined,
): Promise<T> {
  const paths = pathsOf(root, id);
  if (!isThere(paths.directory)) throw notThere();
  let fd: number;
  try {
    fd = openSync(paths.lock, 'a', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw notThere(cause);
    throw cause;
  }
  try {
    while (!tryLock(fd, 'exclusive')) {
      whileHeld(paths);
      await sleep(RETRY_MS);
    }
    if (!isStillAt(fd, paths.lock)) throw notThere();
    return await work(paths);
  } finally {
    closeSync(fd);
  }
}

const RETRY_MS = 2;

/** The words by which engines know it. */
const notThere = (cause?: unknown) => new OciError('container does not exist', { cause });

export const isThere = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false }) !== undefined;

/** Old or new, whenever it is read: nothing of it has to outlive the machine's next boot. */
export function writeStored({ state }: Paths, stored: Stored): void {
  const unfinished = `${state}.new`;
  writeFileSync(unfinished, JSON.stringify(stored), { mode: 0o600 });
  renameSync(unfinished, state);
}

/** Null when its maker was killed before anything was done. */
export function readStored({ state }: Paths): Stored | null {
  try {
    return JSON.parse(readFileSync(state, 'utf8')) as Stored;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Throws OciError when it does not exist. */
export function load(root: string, id: string): { paths: Paths; stored: Stored } {
  const paths = pathsOf(root, id);
  if (!isThere(paths.directory)) throw notThere();
  const stored = readStored(paths);
  if (!stored) throw notThere();
  return { paths, stored };
}

export const readSpec = ({ config }: Paths): Spec =>
  JSON.parse(readFileSync(config, 'utf8')) as Spec;

export function removeDirectory({ directory }: Paths): void {
  rmSync(directory, { recursive: true, force: true });
}

/** Ids, sorted. */
export function listContainers(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function statusOf(stored: Stored): Status {
  if (!stored.init) return stored.phase === 'creating' ? 'creating' : 'stopped';
  if (!isSame(stored.init)) return 'stopped';
  if (isFreezeAsked(stored.cgroup)) return 'paused';
  return stored.phase === 'started' ? 'running' : stored.phase;
}

/** As `state` prints it and hooks read it. */
export function stateOf(stored: Stored, status: Status = statusOf(stored)): State {
  const { ociVersion, id, init, bundle, annotations } = stored;
  return {
    ociVersion,
    id,
    status,
    ...(status === 'stopped' || !init ? {} : { pid: init.pid }),
    bundle,
    ...(annotations ? { annotations } : {}),
  };
}
