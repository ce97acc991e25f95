/**
 * `box push`.
 */
import type { Command } from 'commander';
import { formatReference, parseReference } from '../../../image/reference.ts';
import { readCredentials } from '../../../image/registry/credentials.ts';
import { push } from '../../../image/registry/push.ts';
import { openImages } from '../globals.ts';
import { interruptible } from '../interrupt.ts';
import { PUSHING, showLayers } from './layer-lines.ts';

export async function pushImage(
  name: string,
  { quiet = false }: { quiet?: boolean },
  command: Command,
): Promise<void> {
  const reference = parseReference(name);
  const { registry, repository, tag } = reference;
  const { store } = await openImages(command);
  const credentials = await readCredentials(registry);
  if (!quiet) {
    process.stdout.write(`The push refers to repository [${registry}/${repository}]\n`);
  }
  const onProgress = quiet ? undefined : showLayers(PUSHING);
  const { digest } = await interruptible((signal) =>
    push(store, reference, { credentials, signal, onProgress }),
  );
  const { length } = await store.readBlob(digest);
  process.stdout.write(
    quiet ? `${formatReference(reference)}\n` : `${tag}: digest: ${digest} size: ${length}\n`,
  );
}
