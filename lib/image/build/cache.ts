/**
 * What earlier builds have made, by what it was made from: a key is the digest of the layers below,
 * the instruction and everything that it uses, a value the layer that came out. Nothing in a key is
 * a time or a name, so the same content is found again wherever it comes from.
 *
 *     STORE/build/cache/sha256/KEY    {"chainId":"sha256:…","created":"2026-…"}
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { digestOf, hexOf, isDigest } from '../digest.ts';
import type { Digest } from '../spec.ts';
import type { Store } from '../store.ts';

export interface Outcome {
  /** Null for a step that changed no file. */
  chainId: Digest | null;
  /** RFC 3339. */
  created: string;
}

export interface Cache {
  /** Null when it is not known, or its layer is no longer in the store. */
  find(key: Digest): Promise<Outcome | null>;
  keep(key: Digest, outcome: Outcome): void;
}

/** Counted up when keys or what they stand for change their meaning. */
const VERSION = 1;

/** `parts` may be anything that JSON can write; its objects' keys in one order. */
export const cacheKey = (...parts: unknown[]): Digest =>
  digestOf(JSON.stringify([VERSION, ...parts]));

/** `reads` false never finds anything, and still keeps what was made. */
export function openCache(store: Store, { reads }: { reads: boolean }): Cache {
  const directory = `${store.directory}/build/cache/sha256`;
  return {
    find: async (key) => {
      const outcome = reads ? readOutcome(`${directory}/${hexOf(key)}`) : null;
      if (outcome?.chainId && (await store.layer(outcome.chainId)) === null) return null;
      return outcome;
    },
    keep: (key, outcome) => {
      mkdirSync(directory, { recursive: true });
      const draft = `${directory}/.${randomBytes(6).toString('hex')}`;
      // Not synced: what a power cut takes of it is built again.
      writeFileSync(draft, JSON.stringify(outcome));
      renameSync(draft, `${directory}/${hexOf(key)}`);
    },
  };
}

/** Null for what is not there or not whole. */
function readOutcome(path: string): Outcome | null {
  try {
    const { chainId, created } = JSON.parse(readFileSync(path, 'utf8')) as Outcome;
    const valid = (chainId === null || isDigest(chainId)) && typeof created === 'string';
    return valid ? { chainId, created } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
