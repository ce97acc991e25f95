/**
 * `box import`: a tar of a root filesystem becomes an image of one layer.
 */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { withChanges } from '../../../image/commit.ts';
import type { ImageConfig } from '../../../image/spec.ts';
import { hostPlatform } from '../../../image/transfer/platform.ts';
import { BoxError } from '../box-error.ts';
import { openImages } from '../globals.ts';
import { interruptible } from '../interrupt.ts';

export interface ImportFlags {
  change: string[];
  message?: string;
}

export async function importImage(
  file: string,
  name: string | undefined,
  { change, message = `Imported from ${file}` }: ImportFlags,
  command: Command,
): Promise<void> {
  if (/^https?:\/\//.test(file)) {
    throw new BoxError(`import ${file}: only files are read; fetch it, and pipe it to import -`);
  }
  if (file === '-' && process.stdin.isTTY) {
    throw new BoxError('import -: no archive comes from a terminal; redirect one');
  }
  // Before anything is unpacked.
  const config = withChanges({}, change);
  const { store } = await openImages(command);
  const stream = file === '-' ? process.stdin : createReadStream(file);
  const { diffId } = await interruptible((signal) =>
    store.addLayer({ parent: null, stream, signal }),
  );
  const created = new Date().toISOString();
  const image: ImageConfig = {
    created,
    ...hostPlatform(),
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, comment: message }],
  };
  const { id } = await store.putImage(image, name === undefined ? [] : [name]);
  process.stdout.write(`${id}\n`);
}
