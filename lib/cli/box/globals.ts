/**
 * The options that stand before a command, and where everything is kept.
 *
 *     ROOT/image, overlay2, blobs, build    the image store, see lib/image/store.ts
 *     ROOT/state/                           journals of what is changed on the host, see lib/host
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Store } from '../../image/store.ts';

export interface Globals {
  root: string;
  debug?: boolean;
}

/** Root's is the machine's, a user's own is in that user's data directory. XDG Base Directory */
export function defaultRoot(): string {
  if (process.geteuid?.() === 0) return '/var/lib/box';
  const { XDG_DATA_HOME } = process.env;
  // The specification has relative paths in it ignored.
  const data = XDG_DATA_HOME?.startsWith('/') ? XDG_DATA_HOME : join(homedir(), '.local/share');
  return join(data, 'box');
}

/** Absolute. */
export const rootOf = (command: Command): string =>
  resolve(command.optsWithGlobals<Globals>().root);

export const stateOf = (root: string): string => join(root, 'state');

/** Makes the directory where it is missing. Throws ImageError. */
export async function openImages(command: Command): Promise<{ store: Store; state: string }> {
  const { openStore } = await import('../../image/store.ts');
  const root = rootOf(command);
  return { store: await openStore(root), state: stateOf(root) };
}
