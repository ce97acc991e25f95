/**
 * Where a lab about images works: a store in the run's directory, and in it an image made from this
 * machine's programs, or from a directory that the reader has named.
 */
import { realpathSync, symlinkSync } from 'node:fs';
import { makeBaseImage } from '../image/base/base.ts';
import { chainIds } from '../image/chain-id.ts';
import type { Digest } from '../image/spec.ts';
import { type ImageRecord, openStore, type Store } from '../image/store.ts';
import { LabError } from './lab-error.ts';

export interface LabImages {
  store: Store;
  base: ImageRecord;
}

/** Makes store and image below `directory`, and `rootfs` a link to the image's one layer. */
export async function makeLabImages(
  directory: string,
  { rootfs, tree }: { rootfs: string; tree: string | undefined },
): Promise<LabImages> {
  const store = await openStore(`${directory}/images`);
  const base = await makeBaseImage(store, tree === undefined ? {} : { tree });
  const layer = await store.layer(topOf(base));
  if (!layer) throw new Error(`${base.id}: its layer was just made`);
  symlinkSync(layer.diff, rootfs);
  return { store, base };
}

/** What lies below a container of the image, the topmost first. Throws LabError: no such image. */
export async function lowersOf({ store, base }: LabImages, name?: string): Promise<string[]> {
  const image = name === undefined ? base : await store.image(name);
  if (!image) throw new LabError(`there is no image ${name} in the lab's store`, 1);
  const links = await store.lowerdirs(topOf(image));
  return links.map((link) => realpathSync(link));
}

/** Chain id of an image's topmost layer. Throws RangeError for an image without any. */
export function topOf({ id, config }: ImageRecord): Digest {
  const top = chainIds(config.rootfs.diff_ids).at(-1);
  if (!top) throw new RangeError(`${id} has no layer`);
  return top;
}
