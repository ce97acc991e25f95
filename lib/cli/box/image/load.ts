/**
 * `box load`: images of an archive, from a file or from our input.
 */
import type { Command } from 'commander';
import { load } from '../../../image/archive/load.ts';
import { BoxError } from '../box-error.ts';
import { openImages } from '../globals.ts';
import { interruptible } from '../interrupt.ts';
import { LOADING, showLayers } from './layer-lines.ts';
import { shortName } from './remove.ts';

export async function loadImages(
  { input, quiet = false }: { input?: string; quiet?: boolean },
  command: Command,
): Promise<void> {
  if (input === undefined && process.stdin.isTTY) {
    throw new BoxError('load: no archive comes from a terminal; say -i FILE, or redirect one');
  }
  const { store } = await openImages(command);
  // Only at a terminal: elsewhere its lines would stand between the names.
  const onProgress = quiet || !process.stdout.isTTY ? undefined : showLayers(LOADING);
  const loaded = await interruptible((signal) =>
    load(store, input ?? process.stdin, { signal, onProgress }),
  );
  for (const { image, names } of loaded) {
    for (const name of names) process.stdout.write(`Loaded image: ${shortName(name)}\n`);
    if (names.length === 0) process.stdout.write(`Loaded image ID: ${image.id}\n`);
  }
}
