/**
 * `box pull`.
 */
import type { Command } from 'commander';
import { formatReference, parseReference } from '../../../image/reference.ts';
import { parsePlatform } from '../../../image/transfer/platform.ts';
import { usageError } from '../box-error.ts';
import { openImages } from '../globals.ts';
import { interruptible } from '../interrupt.ts';
import { fetchImage } from './fetch.ts';
import { PULLING, showLayers } from './layer-lines.ts';
import { shortName } from './remove.ts';
import { readName } from './rows.ts';

export interface PullFlags {
  quiet?: boolean;
  platform?: string;
  allTags?: boolean;
}

export async function pullImage(
  name: string,
  { quiet = false, platform, allTags }: PullFlags,
  command: Command,
): Promise<void> {
  if (allTags) throw usageError('pull --all-tags: not here; name the tags, one at a time');
  const reference = parseReference(name);
  const full = formatReference(reference);
  const { repository, tag } = readName(full);
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  const say = (line: string) => void (quiet || process.stdout.write(`${line}\n`));
  const { store, state } = await openImages(command);
  const before = (await store.image(full))?.id;
  const implied = tag === 'latest' && !/:latest(@|$)/.test(name);
  if (implied) say('Using default tag: latest');
  say(`${tag ?? reference.digest}: Pulling from ${repository}`);
  const onProgress = quiet ? undefined : showLayers(PULLING);
  const { image, digest } = await interruptible((signal) =>
    fetchImage(reference, { store, state, signal, platform: wanted, onProgress }),
  );
  if (digest) say(`Digest: ${digest}`);
  const same = before === image.id;
  const status = same ? 'Image is up to date' : 'Downloaded newer image';
  const made = digest === null && !same ? 'Made of the programs of this machine:' : null;
  say(`Status: ${made ?? `${status} for`} ${shortName(full)}`);
  process.stdout.write(`${full}\n`);
}
