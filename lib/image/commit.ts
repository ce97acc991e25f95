/**
 * A container becomes an image: its read-write layer alone is the new layer, its configuration that
 * of the image with some changes. The init layer lies between and is left out.
 *
 * OCI image-spec, config.md; `docker commit`
 */
import { configure, environmentOf } from './build/configure.ts';
import { parseInstruction } from './build/dockerfile.ts';
import { chainIds } from './chain-id.ts';
import { ImageError } from './image-error.ts';
import type { HistoryEntry, ImageConfig, RunConfig } from './spec.ts';
import type { ImageRecord, Store } from './store.ts';

export interface CommitOptions {
  image: ImageRecord;
  /** The container's upper directory; nobody writes into it meanwhile. */
  upper: string;
  /** Names of the new image. */
  names?: readonly string[];
  /** Instructions such as `CMD ["sh"]` or `ENV A=1`, one each. */
  changes?: readonly string[];
  author?: string;
  /** Stands in the history as its comment. */
  message?: string;
  /** What the history says that made it: the container's command. */
  createdBy?: string;
  /** RFC 3339; now unless given. */
  created?: string;
}

const CHANGES =
  'CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR';

/** Throws ImageError: a change that is none, a layer that is not in the store. */
export async function commitContainer(store: Store, options: CommitOptions): Promise<ImageRecord> {
  const { image, upper, names = [], author, message, createdBy = '' } = options;
  const { config } = image;
  const created = options.created ?? new Date().toISOString();
  const changed = withChanges(config.config ?? {}, options.changes ?? []);
  const diffIds = config.rootfs.diff_ids;
  const layer = await store.commitLayer(chainIds(diffIds).at(-1) ?? null, upper);
  const entry: HistoryEntry = {
    created,
    created_by: createdBy,
    ...(author === undefined ? {} : { author }),
    ...(message === undefined ? {} : { comment: message }),
  };
  const next: ImageConfig = {
    ...config,
    created,
    ...(author === undefined ? {} : { author }),
    config: changed,
    rootfs: { type: 'layers', diff_ids: [...diffIds, layer.diffId] },
    history: [...(config.history ?? []), entry],
  };
  return store.putImage(next, [...names]);
}

/** Instructions such as `CMD ["sh"]` on top of a configuration. Throws ImageError, BuildError. */
export function withChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  return changes.reduce((before, text) => {
    const instruction = { ...parseInstruction(text, 'change'), line: 1 };
    const scope = {
      ...{ file: 'change', escapeChar: '\\', arguments: new Map<string, string>() },
      environment: environmentOf(before),
    };
    const allowed = CHANGES.split(' ').includes(instruction.keyword);
    const after = allowed ? configure(before, instruction, scope) : null;
    if (after) return after;
    const remedy = `a change is one of ${CHANGES}`;
    throw new ImageError(
      'change',
      `${instruction.keyword} does not only change the configuration`,
      {
        remedy,
      },
    );
  }, config);
}
