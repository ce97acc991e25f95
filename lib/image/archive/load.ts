/**
 * Images from an archive into the store, in whichever of the forms it is. A tar that has both, as
 * newer Dockers write, is read as an OCI layout, of which every blob can be verified.
 */
import type { Readable } from 'node:stream';
import { ImageError } from '../image-error.ts';
import { formatReference, parseReference } from '../reference.ts';
import type { Platform } from '../spec.ts';
import type { Store } from '../store.ts';
import { hostPlatform } from '../transfer/platform.ts';
import { type Received, type ReceiveOptions, receiveImage } from '../transfer/receive-image.ts';
import { openArchive } from './archive-files.ts';
import { readDockerArchive } from './docker-archive.ts';
import { type ArchivedImage, readLayout } from './oci-layout.ts';

export interface LoadOptions extends Omit<ReceiveOptions, 'names' | 'repository' | 'readAhead'> {
  /** Of images for several. Default: this machine's. */
  platform?: Platform | undefined;
  /**
   * A repository that the archive's names are tags of, as in a layout that `umoci` has written;
   * without it a name without a slash is one like `alpine`.
   */
  repository?: string | undefined;
}

/**
 * All images of the archive: the path of a directory or tar, or a tar's bytes, which may be
 * compressed. An image that has no name there is kept under its id alone. Throws ImageError, or the
 * signal's reason.
 */
export async function load(
  store: Store,
  input: string | Readable,
  { platform = hostPlatform(), repository, ...options }: LoadOptions = {},
): Promise<Received[]> {
  await using files = await openArchive(input);
  const images = (await readLayout(files, platform)) ?? (await readDockerArchive(files));
  if (images === null) {
    const remedy = 'an OCI layout has the file oci-layout, one of docker save manifest.json';
    throw new ImageError(files.where, 'no archive of images', { remedy });
  }
  const loaded: Received[] = [];
  for (const archived of images) {
    const names = namesOf(archived, repository);
    loaded.push(await receiveImage(store, archived.image, { ...options, names }));
  }
  return loaded;
}

function namesOf({ names, tag, image }: ArchivedImage, repository: string | undefined): string[] {
  const known = repository !== undefined && tag !== undefined && !/[:/]/.test(tag);
  try {
    return (known ? [`${repository}:${tag}`] : names).map((name) =>
      formatReference(parseReference(name)),
    );
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    throw new ImageError(image.where, `an image is called ${cause.message}`, { cause });
  }
}
