/**
 * Layers that are made as real ones are: each is the upper directory of an overlay on those before,
 * in which random operations were done. On a tmpfs of their own, which goes with `remove`. For tests.
 */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernel } from '../kernel/call.ts';
import { MNT_DETACH, MS_NODEV, MS_NOSUID } from '../kernel/constants.ts';
import { type OverlayOptions, optionString } from './options.ts';
import { play, type Random, randomFrom } from './sequence.fixture.ts';

export interface Sandbox {
  directory: string;
  remove(): void;
}

/** Unlike a temporary directory it has no other file system's limits, and costs no disk. */
export function makeSandbox(): Sandbox {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-overlay-'));
  kernel.mount('tmpfs', directory, 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=700');
  return {
    directory,
    remove: () => {
      kernel.umount2(directory, MNT_DETACH);
      rmdirSync(directory);
    },
  };
}

/** Calls `use` with the place where the layers are mounted without anything to write into. */
export function whileReadOnly<T>(lowers: readonly string[], use: (merged: string) => T): T {
  const merged = `${lowers[0]}.merged`;
  mkdirSync(merged);
  kernel.mount('overlay', merged, 'overlay', MS_NOSUID, optionString({ lowers }));
  try {
    return use(merged);
  } finally {
    kernel.umount2(merged, 0);
    rmdirSync(merged);
  }
}

/** Calls `use` with the place where the overlay is mounted. */
export function whileMounted<T>(
  layers: { lowers: readonly string[]; upper: string; options?: OverlayOptions },
  use: (merged: string) => T,
): T {
  const [work, merged] = [`${layers.upper}.work`, `${layers.upper}.merged`];
  for (const path of [layers.upper, work, merged]) mkdirSync(path, { recursive: true });
  kernel.mount('overlay', merged, 'overlay', MS_NOSUID, optionString({ ...layers, work }));
  try {
    return use(merged);
  } finally {
    kernel.umount2(merged, 0);
    rmSync(work, { recursive: true });
    rmdirSync(merged);
  }
}

export interface Stack {
  lowers: string[];
  upper: string;
  options: OverlayOptions;
  /** What was done, for whoever has to find out why it fails. */
  log: string[];
  random: Random;
}

/**
 * One to three lowers and an upper below `directory`, the same for the same seed but for times. With
 * `portable`, the upper holds what a layer tar has a place for.
 */
export function makeStack(directory: string, seed: number, portable = false): Stack {
  const random = randomFrom(seed);
  const options: OverlayOptions = {
    redirectDir: !portable && random(2) ? 'on' : 'off',
    // What an index knows of hard links is in the work directory, which is no part of a layer.
    index: false,
    metacopy: !portable && random(4) === 0,
  };
  if (options.metacopy) options.redirectDir = 'on';
  const bottom = `${directory}/bottom`;
  mkdirSync(bottom, { recursive: true });
  const log = [`seed ${seed} ${JSON.stringify(options)}`, ...play(bottom, random, 30, portable)];
  const lowers = [bottom];
  const count = 1 + random(3);
  for (let layer = 1; layer <= count; layer++) {
    const upper = `${directory}/layer${layer}`;
    log.push(`layer ${layer}`);
    whileMounted({ lowers, upper, options }, (merged) => {
      log.push(...play(merged, random, 5 + random(25), portable));
    });
    lowers.unshift(upper);
  }
  const [upper = '', ...below] = lowers;
  return { lowers: below, upper, options, log, random };
}
