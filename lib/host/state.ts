/**
 * Where the kit keeps what outlives a process: below one directory, which only its owner may enter,
 * because setuid files of a container's root must not be within every user's reach. Not below /run,
 * which is often mounted noexec.
 *
 *     STATE/journal/ID.jsonl    what a run has changed on the host
 *     STATE/runs/ID/            the run's own directory
 *     STATE/rootfs/             root filesystems that are built once (lib/rootfs)
 *
 * XDG Base Directory Specification
 */
import { mkdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** $UNBOXED_STATE; else root's is /var/lib/unboxed, a user's is in that user's data directory. */
export function stateDirectory(): string {
  const { UNBOXED_STATE, XDG_DATA_HOME } = process.env;
  if (UNBOXED_STATE) return resolve(UNBOXED_STATE);
  if (process.geteuid?.() === 0) return '/var/lib/unboxed';
  // The specification has relative paths in it ignored.
  const data = XDG_DATA_HOME?.startsWith('/') ? XDG_DATA_HOME : join(homedir(), '.local/share');
  return join(data, 'unboxed');
}

/** Whether the directory is the kit's own to remove, and not one that the user has named. */
export function isOwnState(state: string): boolean {
  return !process.env.UNBOXED_STATE && state === stateDirectory();
}

/** Makes the directory where it is missing; returns its path without symbolic links. */
export function makeStateDirectory(state: string): string {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  return realpathSync(state);
}

export const runsDirectory = (state: string): string => join(state, 'runs');
export const journalDirectory = (state: string): string => join(state, 'journal');
export const cacheDirectory = (state: string): string => join(state, 'rootfs');
