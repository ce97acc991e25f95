/**
 * An image in the making: what one stage has come to after each of its instructions.
 */
import { chainIds } from '../chain-id.ts';
import type { Digest, HistoryEntry, ImageConfig, Platform, RunConfig } from '../spec.ts';
import { environmentOf } from './configure.ts';
import type { Dockerfile } from './dockerfile.ts';
import type { Scope } from './scope.ts';

export interface Draft {
  platform: Platform;
  author: string | undefined;
  config: RunConfig;
  /** Bottom first. */
  diffIds: readonly Digest[];
  history: readonly HistoryEntry[];
  /** Build arguments that hold here. */
  arguments: ReadonlyMap<string, string>;
  /** Whether CMD stands in this stage, so that ENTRYPOINT does not reset it. */
  ownCommand: boolean;
}

/** Where programs are looked for when an image does not say. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const scratchDraft = ({ os, architecture, variant }: Platform): Draft => ({
  platform: { os, architecture, ...(variant ? { variant } : {}) },
  author: undefined,
  config: { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: '/' },
  diffIds: [],
  history: [],
  arguments: new Map(),
  ownCommand: false,
});

/** What a stage begins with that is made from an image, or from another stage's. */
export function draftFrom(config: ImageConfig): Draft {
  const { config: run = {}, rootfs, history = [], author, created: _, ...platform } = config;
  return {
    platform,
    author,
    config: run,
    diffIds: rootfs.diff_ids,
    history,
    arguments: new Map(),
    ownCommand: false,
  };
}

export const continueDraft = (draft: Draft): Draft => ({
  ...draft,
  arguments: new Map(),
  ownCommand: false,
});

/** Chain id of the topmost layer. */
export const chainOf = ({ diffIds }: Draft): Digest | null => chainIds(diffIds).at(-1) ?? null;

export const scopeOf = (draft: Draft, { file, escapeChar }: Dockerfile): Scope => ({
  file,
  escapeChar,
  arguments: new Map(draft.arguments),
  environment: environmentOf(draft.config),
});

/** The image's configuration: its time is that of the last step. */
export function configOf({ platform, author, config, diffIds, history }: Draft): ImageConfig {
  const created = history.at(-1)?.created;
  return {
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: [...diffIds] },
    history: [...history],
  };
}
