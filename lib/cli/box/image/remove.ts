/**
 * `box rmi`: names are taken away, and what has none any more goes, with the layers that only it had.
 */
import type { Command } from 'commander';
import { chainIds } from '../../../image/chain-id.ts';
import { ImageError } from '../../../image/image-error.ts';
import { formatReference, parseReference } from '../../../image/reference.ts';
import type { Digest } from '../../../image/spec.ts';
import type { Garbage, ImageRecord, Store } from '../../../image/store.ts';
import { BoxError } from '../box-error.ts';
import { findImage, forEach } from '../find-image.ts';
import { openImages } from '../globals.ts';
import { readName } from './rows.ts';

export async function removeImages(
  wanted: string[],
  { force = false }: { force?: boolean },
  command: Command,
): Promise<void> {
  const { store } = await openImages(command);
  process.exitCode = await forEach(wanted, async (text) => {
    if (force && !(await store.image(text))) {
      process.stderr.write(`box: ${text}: no such image\n`);
      return;
    }
    const image = await findImage(store, text);
    const names = namesToTake(image, text, force);
    for (const name of names) {
      await store.untag(name);
      process.stdout.write(`Untagged: ${shortName(name)}\n`);
    }
    if (names.length === image.names.length) printDeleted(await removeUnnamed(store, [image]));
  });
}

/** With the last tag of a repository the digests that it was pulled by go too. */
function namesToTake(image: ImageRecord, text: string, force: boolean): string[] {
  const name = nameIn(image, text);
  if (name === null) {
    const repositories = new Set(image.names.map((each) => readName(each).repository));
    const tags = image.names.filter((each) => readName(each).tag !== null);
    if (force || (repositories.size <= 1 && tags.length <= 1)) return image.names;
    throw new BoxError(
      `${text}: this image has several names (${tags.map(shortName).join(', ')}); remove those, or force it with -f`,
    );
  }
  const { repository } = readName(name);
  const rest = image.names.filter((each) => each !== name).map(readName);
  const bound = rest.filter((each) => each.repository === repository);
  const lastTag = bound.every(({ tag }) => tag === null);
  return [name, ...(lastTag ? bound.map(({ full }) => full) : [])];
}

/** Null where it was found by its id. */
function nameIn(image: ImageRecord, text: string): string | null {
  try {
    const full = formatReference(parseReference(text));
    return image.names.includes(full) ? full : null;
  } catch (error) {
    if (error instanceof ImageError) return null;
    throw error;
  }
}

export function shortName(full: string): string {
  const { repository, tag, digest } = readName(full);
  return tag === null ? `${repository}@${digest}` : `${repository}:${tag}`;
}

/**
 * Removes these images and what only they need. Others without a name stay, and so do layers that no
 * image has: builds find them again.
 */
export async function removeUnnamed(
  store: Store,
  images: readonly ImageRecord[],
): Promise<Garbage> {
  const gone = new Set<Digest>(images.map(({ id }) => id));
  const layers = new Set<Digest>(images.flatMap(({ config }) => chainIds(config.rootfs.diff_ids)));
  const others = (await store.images()).filter(({ id }) => !gone.has(id));
  const kept = (await store.layers()).filter(({ chainId }) => !layers.has(chainId));
  return store.collectGarbage({
    keep: [...others.map(({ id }) => id), ...kept.map(({ chainId }) => chainId)],
  });
}

/** Images and layers; leftovers of processes that have ended are nobody's news. */
export function printDeleted({ removed }: Garbage, word = 'Deleted'): void {
  for (const name of removed.filter((each) => each.startsWith('sha256:'))) {
    process.stdout.write(`${word}: ${name}\n`);
  }
}
