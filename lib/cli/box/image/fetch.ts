/**
 * An image that is to be here: pulled, or, where it is the kit's own, made of this machine's programs
 * with no network at all.
 */
import { BASE_IMAGE, makeBaseImage } from '../../../image/base/base.ts';
import { formatReference, parseReference, type Reference } from '../../../image/reference.ts';
import { readCredentials } from '../../../image/registry/credentials.ts';
import { pull } from '../../../image/registry/pull.ts';
import type { Digest, Platform } from '../../../image/spec.ts';
import type { ImageRecord, Store } from '../../../image/store.ts';
import { formatPlatform, hostPlatform } from '../../../image/transfer/platform.ts';
import type { OnProgress } from '../../../image/transfer/progress.ts';
import { BoxError } from '../box-error.ts';

export interface Fetching {
  store: Store;
  /** Where a tree that is made is kept. */
  state: string;
  signal: AbortSignal;
  platform?: Platform | undefined;
  onProgress?: OnProgress | undefined;
}

export interface Fetched {
  image: ImageRecord;
  /** Null for one that was made here. */
  digest: Digest | null;
}

const isBase = (reference: Reference): boolean =>
  formatReference(reference) === formatReference(parseReference(BASE_IMAGE));

/** Throws ImageError, RootfsError, or the signal's reason. */
export async function fetchImage(reference: Reference, fetching: Fetching): Promise<Fetched> {
  const { store, state, signal, platform, onProgress } = fetching;
  if (isBase(reference)) {
    const [ours, wanted] = [hostPlatform(), platform ?? hostPlatform()].map(formatPlatform);
    if (ours !== wanted)
      throw new BoxError(`${BASE_IMAGE}: made here for ${ours}, not for ${wanted}`);
    return { image: await makeBaseImage(store, { state }), digest: null };
  }
  const credentials = await readCredentials(reference.registry);
  const options = { credentials, signal, platform, onProgress };
  const { image, digest } = await pull(store, reference, options);
  return { image, digest };
}
