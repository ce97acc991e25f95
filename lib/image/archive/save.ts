/**
 * Images from the store into an archive that others read: an OCI image layout, or what `docker load`
 * takes. Layers that several images share are in it once.
 */
import { lstat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { isDigest } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import { formatReference, parseReference } from '../reference.ts';
import type { ImageRecord, Store } from '../store.ts';
import type { Compression } from '../transfer/layer-type.ts';
import { openDirectoryWriter } from './directory-writer.ts';
import { writeDockerArchive } from './docker-archive-writer.ts';
import { writeLayout } from './oci-layout-writer.ts';
import { openTarWriter } from './tar-writer.ts';

export interface SaveOptions {
  /** `oci`: an image layout; `docker`: manifest.json, which more programs take. Default `docker`. */
  format?: 'oci' | 'docker' | undefined;
  /** Of the layers. Default: gzip in a layout; none for Docker, as Docker itself does. */
  compression?: Compression | undefined;
}

/** An image, and the names that it has in the archive: `registry/path:tag`. */
export interface Chosen {
  image: ImageRecord;
  names: string[];
}

/**
 * `what` are names or ids; an image that is chosen by its id has no name in the archive. A tar goes
 * to a stream, which is not ended, files into a directory that is not there yet. Throws ImageError,
 * and what the stream throws.
 */
export async function save(
  store: Store,
  what: string[],
  output: Writable | { directory: string },
  { format = 'docker', compression }: SaveOptions = {},
): Promise<void> {
  const chosen = await choose(store, what);
  await using writer = await openWriter(output);
  if (format === 'oci') await writeLayout(store, chosen, writer, compression ?? 'gzip');
  else await writeDockerArchive(store, chosen, writer, compression ?? 'none');
  await writer.finish();
}

async function openWriter(output: Writable | { directory: string }) {
  if (!('directory' in output)) return openTarWriter(output);
  const { directory } = output;
  const found = await lstat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new ImageError(directory, error.message, { cause: error });
    return null;
  });
  if (found) throw new ImageError(directory, 'is there already', { remedy: 'name a new one' });
  return openDirectoryWriter(directory);
}

/** One entry for each image, however many of its names were given. */
async function choose(store: Store, what: string[]): Promise<Chosen[]> {
  const chosen = new Map<string, Chosen>();
  for (const text of what) {
    const image = await store.image(text);
    if (!image) throw new ImageError(text, 'no such image in the store');
    const entry = chosen.get(image.id) ?? { image, names: [] };
    chosen.set(image.id, entry);
    const name = nameOf(text, image);
    if (name !== null && !entry.names.includes(name)) entry.names.push(name);
  }
  return [...chosen.values()];
}

/** Null for an id, and for a name with a digest, which no archive can promise to keep. */
function nameOf(text: string, { names }: ImageRecord): string | null {
  if (isDigest(text) || isDigest(`sha256:${text}`)) return null;
  const reference = parseReference(text);
  const name = formatReference(reference);
  return reference.digest === undefined && names.includes(name) ? name : null;
}
