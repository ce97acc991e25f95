/**
 * What every step of a build works with, and what it tells while it works.
 */
import { randomBytes } from 'node:crypto';
import { ImageError } from '../image-error.ts';
import type { Digest, Platform } from '../spec.ts';
import type { ImageRecord, Layer, Store } from '../store.ts';
import { BuildError } from './build-error.ts';
import { type Cache, cacheKey } from './cache.ts';
import { changeLayers, type Ground } from './change.ts';
import type { Dockerfile, Instruction } from './dockerfile.ts';
import { chainOf, type Draft } from './draft.ts';
import type { Execute, Network } from './execute.ts';
import type { Origin } from './selection.ts';
import type { StagePlan } from './stages.ts';

export type BuildEvent =
  | {
      kind: 'step';
      /** From 1, over all stages that are built. */
      number: number;
      of: number;
      line: number;
      text: string;
    }
  | { kind: 'cached' }
  | { kind: 'output'; chunk: Buffer }
  | { kind: 'layer'; chainId: Digest; size: number }
  | { kind: 'warning'; text: string };

export interface Building {
  store: Store;
  cache: Cache;
  dockerfile: Dockerfile;
  plan: StagePlan;
  platform: Platform;
  buildArgs: Readonly<Record<string, string>>;
  /** Those of `buildArgs` that an ARG has asked for. */
  usedArgs: Set<string>;
  context: Origin;
  execute: Execute;
  network: Network;
  findImage: (name: string) => Promise<ImageRecord | null>;
  epoch: number | undefined;
  state: string | undefined;
  signal: AbortSignal | undefined;
  tell: (event: BuildEvent) => void;
}

export interface Made {
  layer: Layer | null;
  created: string;
}

/** RFC 3339; fixed where the build is to be reproducible. */
export const timeOf = ({ epoch }: Pick<Building, 'epoch'>): string =>
  (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();

/** The layer that `parts` stand for, from the cache or by `change`. */
export async function makeOrFind(
  building: Building,
  draft: Draft,
  parts: readonly unknown[],
  { init, change }: { init: boolean; change: (ground: Ground) => Promise<'nothing' | undefined> },
): Promise<Made> {
  const { store, cache, epoch, state, tell } = building;
  const parent = chainOf(draft);
  const key = cacheKey(parent, epoch ?? null, ...parts);
  const known = await cache.find(key);
  if (known) {
    tell({ kind: 'cached' });
    const { chainId, created } = known;
    return { layer: chainId && (await store.layer(chainId)), created };
  }
  const run = `build-${randomBytes(4).toString('hex')}`;
  const layer = await changeLayers({ store, parent, run, state, init, epoch }, change);
  if (layer) tell({ kind: 'layer', chainId: layer.chainId, size: layer.size });
  const created = timeOf(building);
  cache.keep(key, { chainId: layer?.chainId ?? null, created });
  return { layer, created };
}

/** What `body` throws, with the instruction's line, unless it has one already. */
export async function atLine<T>(
  { dockerfile, signal }: Building,
  { keyword, line }: Instruction,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    if (cause instanceof BuildError || signal?.aborted) throw cause;
    const { message } = cause as Error;
    const remedy = cause instanceof ImageError ? cause.remedy : undefined;
    const what = remedy ? message.replace(`; ${remedy}`, '') : message;
    const options = { line, cause, ...(remedy ? { remedy } : {}) };
    throw new BuildError(dockerfile.file, `${keyword}: ${what}`, options);
  }
}
