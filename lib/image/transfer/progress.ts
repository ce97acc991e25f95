/**
 * What a transfer tells whoever watches: one event for each change of one layer.
 */
import type { Descriptor, Digest } from '../spec.ts';

export type LayerState =
  /** Nothing has to be done: it is there already. */
  | 'present'
  /** The registry took it from another of its repositories. */
  | 'mounted'
  | 'waiting'
  | 'fetching'
  /** All of it is here. */
  | 'unpacking'
  | 'uploading'
  | 'writing'
  /** The line broke, or the registry asked for time; it goes on by itself. */
  | 'retrying'
  | 'done';

export interface LayerProgress {
  /** Of the blob where it is known, else of the layer itself (its diffID). */
  digest: Digest;
  /** Position in the image, 0 is the bottom. */
  layer: number;
  state: LayerState;
  /** Bytes of the blob that have travelled. */
  bytes: number;
  /** Of the blob; null where it is made on the way. */
  size: number | null;
  /** Why it is `retrying`. */
  reason?: string;
}

export type OnProgress = (progress: LayerProgress) => void;

/** An event maker for one layer; it remembers how far that is. */
export function openProgress(
  onProgress: OnProgress | undefined,
  layer: number,
  { digest, size }: Pick<Descriptor, 'digest'> & { size: number | null },
): (state: LayerState, change?: { bytes?: number; reason?: string }) => void {
  let bytes = 0;
  return (state, change = {}) => {
    bytes = change.bytes ?? bytes;
    const reason = change.reason === undefined ? {} : { reason: change.reason };
    onProgress?.({ digest, layer, state, bytes, size, ...reason });
  };
}
