/**
 * Bounds for a layer, so that one that was made to fill a disk or to never end is refused while it
 * comes. The defaults are far above what images have.
 */
import { ImageError } from './image-error.ts';
import type { UnpackLimits } from './store.ts';

const GIB = 1024 ** 3;

export const DEFAULT_LIMITS: Required<UnpackLimits> = {
  bytes: 128 * GIB,
  entries: 2_000_000,
  // gzip can reach 1032, zstd far more; layers have 2 to 5, of zeros alone a little more.
  ratio: 200,
};

/** Below this a ratio says nothing: a file of zeros in a small layer is no attack. */
const RATIO_FROM = GIB / 4;

export interface Meter {
  /** Each throws ImageError when that is too much. */
  entry(realSize: number): void;
  bytes(uncompressed: number, compressed: number): void;
}

export function createMeter(limits: UnpackLimits = {}): Meter {
  const { bytes, entries, ratio } = { ...DEFAULT_LIMITS, ...limits };
  let seen = 0;
  let sizes = 0;
  const refuse = (what: string, limit: string) => {
    const remedy = `if it is to be trusted, raise the limit ${limit}`;
    return new ImageError('layer', what, { remedy });
  };
  return {
    entry(realSize) {
      seen++;
      sizes += realSize;
      if (seen > entries) throw refuse(`has more than ${entries} entries`, 'entries');
      if (sizes > bytes) throw refuse(`its files are larger than ${bytes} bytes`, 'bytes');
    },
    bytes(uncompressed, compressed) {
      if (uncompressed > bytes) throw refuse(`is larger than ${bytes} bytes`, 'bytes');
      if (uncompressed > RATIO_FROM && uncompressed > compressed * ratio) {
        throw refuse(`unpacks to more than ${ratio} times its size`, 'ratio');
      }
    },
  };
}
