/**
 * `box tag`: another name for the same image.
 */
import type { Command } from 'commander';
import { parseReference } from '../../../image/reference.ts';
import { BoxError } from '../box-error.ts';
import { findImage } from '../find-image.ts';
import { openImages } from '../globals.ts';

export async function tagImage(
  source: string,
  target: string,
  _flags: unknown,
  command: Command,
): Promise<void> {
  if (parseReference(target).digest !== undefined) {
    throw new BoxError(`${target}: a digest is not given, it comes from the content; give a tag`);
  }
  const { store } = await openImages(command);
  await store.tag((await findImage(store, source)).id, target);
}
