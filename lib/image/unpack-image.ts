/**
 * An image's layers as directories: into a store, each under its chain id and on its own.
 */
import type { Readable } from 'node:stream';
import type { Digest } from './spec.ts';
import { openStore } from './store.ts';

/**
 * `layers` are tars, plain or compressed, from the bottom up; `directory` becomes a store. Resolves
 * with the directories, the topmost first. Throws ImageError.
 */
export async function unpackImage(
  layers: readonly Readable[],
  directory: string,
): Promise<string[]> {
  const store = await openStore(directory);
  const made: string[] = [];
  let parent: Digest | null = null;
  for (const stream of layers) {
    const layer = await store.addLayer({ parent, stream });
    parent = layer.chainId;
    made.unshift(layer.diff);
  }
  return made;
}
