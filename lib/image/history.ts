/**
 * How an image came to be, newest step first: its history and its layers side by side. The history
 * is told by whoever made the image and need not fit; the layers are what is there.
 * OCI image-spec, config.md, "history"
 */
import { chainIds } from './chain-id.ts';
import type { Digest } from './spec.ts';
import type { ImageRecord, Store } from './store.ts';

export interface HistoryRow {
  /** RFC 3339. */
  created: string | null;
  createdBy: string;
  comment: string;
  /** Bytes of the layer's regular files; 0 for a step without a layer. */
  size: number;
  /** Null for a step that changed no file. */
  layer: { diffId: Digest; chainId: Digest } | null;
}

/** Layers for which the history has no step are rows as well. Throws ImageError. */
export async function historyOf(store: Store, { config }: ImageRecord): Promise<HistoryRow[]> {
  const diffIds = config.rootfs.diff_ids;
  const chain = chainIds(diffIds);
  const layers = await Promise.all(
    diffIds.map(async (diffId, index) => {
      const chainId = chain[index] as Digest;
      return { layer: { diffId, chainId }, size: (await store.layer(chainId))?.size ?? 0 };
    }),
  );
  const rows: HistoryRow[] = [];
  for (const entry of config.history ?? []) {
    const own = entry.empty_layer ? undefined : layers.shift();
    rows.push({
      created: entry.created ?? null,
      createdBy: entry.created_by ?? '',
      comment: entry.comment ?? '',
      size: own?.size ?? 0,
      layer: own?.layer ?? null,
    });
  }
  const untold = layers.map(({ layer, size }) => ({
    ...{ created: null, createdBy: '', comment: 'not in the history', size, layer },
  }));
  return [...rows, ...untold].reverse();
}
