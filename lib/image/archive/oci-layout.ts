/**
 * An OCI image layout: `index.json` names manifests, and everything lies by its digest in `blobs/`.
 *
 *     oci-layout  index.json  blobs/sha256/DIGEST …
 *
 * What an image is called is an annotation of its descriptor there. OCI image-spec, image-layout.md
 */
import { Readable } from 'node:stream';
import { digestOf, hexOf } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Descriptor, Index, Platform } from '../spec.ts';
import { MEDIA_TYPE_INDEX } from '../spec.ts';
import { parseJson, readDocument } from '../transfer/document.ts';
import { pickPlatform } from '../transfer/platform.ts';
import {
  type BlobSource,
  type IncomingImage,
  type OpenOptions,
  openManifest,
  readBlob,
} from '../transfer/source.ts';
import { type ArchiveFiles, readDocumentFile } from './archive-files.ts';

export const LAYOUT_FILE = 'oci-layout';
export const INDEX_FILE = 'index.json';
export const LAYOUT_VERSION = '1.0.0';
/** A tag, or a whole name, as who wrote it thought best. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** The whole name, as containerd and Docker write it. */
export const IMAGE_NAME = 'io.containerd.image.name';

const LARGEST_DOCUMENT = 4 * 1024 * 1024;
const DEEPEST = 4;

export const blobFile = ({ digest }: Pick<Descriptor, 'digest'>): string =>
  `blobs/sha256/${hexOf(digest)}`;

export interface ArchivedImage {
  image: IncomingImage;
  /** As they stand in the archive. */
  names: string[];
  /** Where its name there may also be a tag in a repository that only the caller knows. */
  tag?: string | undefined;
}

/** Null when it is no such layout. Throws ImageError. */
export async function readLayout(
  files: ArchiveFiles,
  platform: Platform,
): Promise<ArchivedImage[] | null> {
  const layout = await readDocumentFile(files, LAYOUT_FILE, LARGEST_DOCUMENT);
  if (layout === null) return null;
  const { imageLayoutVersion } = parseJson(layout, `${files.where}: ${LAYOUT_FILE}`);
  if (imageLayoutVersion !== LAYOUT_VERSION) {
    const what = `a layout of version ${JSON.stringify(imageLayoutVersion)}`;
    throw new ImageError(files.where, what, { remedy: `only ${LAYOUT_VERSION} is known here` });
  }
  const where = `${files.where}: ${INDEX_FILE}`;
  const bytes = await readDocumentFile(files, INDEX_FILE, LARGEST_DOCUMENT);
  if (bytes === null) throw new ImageError(where, 'missing');
  const top = { mediaType: MEDIA_TYPE_INDEX, digest: digestOf(bytes), size: bytes.length };
  const { index } = readDocument({ bytes, descriptor: top, where }) as { index: Index };
  const source = openLayoutBlobs(files);
  const images: ArchivedImage[] = [];
  for (const entry of forPlatform(index, platform, where)) {
    const name = nameOf(entry);
    const image = await openImage(source, entry, platform);
    const tag = entry.annotations?.[REF_NAME];
    images.push({ image, names: name === undefined ? [] : [name], tag });
  }
  return images;
}

/**
 * Whoever gives an entry another tag may leave the whole name as it was (umoci does): that counts
 * only if it still has that tag.
 */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const { [IMAGE_NAME]: whole, [REF_NAME]: tag } = annotations;
  const agree = tag === undefined || whole === tag || whole?.endsWith(`:${tag}`);
  return agree ? whole : tag;
}

/**
 * Entries of the same name are one image for several platforms; those without one are images of
 * their own, unless all of them say for which platform they are.
 */
function forPlatform({ manifests }: Index, platform: Platform, where: string): Descriptor[] {
  const groups = Map.groupBy(
    manifests,
    (entry) => nameOf(entry) ?? (entry.platform ? '' : entry.digest),
  );
  return [...groups.values()].map((group) =>
    group.length === 1 && group[0]
      ? group[0]
      : pickPlatform({ schemaVersion: 2, manifests: group }, platform, where),
  );
}

async function openImage(
  source: BlobSource,
  entry: Descriptor,
  platform: Platform,
): Promise<IncomingImage> {
  let descriptor = entry;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const where = `${source.where}: ${descriptor.digest}`;
    const bytes = await readBlob(source, descriptor, LARGEST_DOCUMENT);
    const read = readDocument({ bytes, descriptor, where });
    if ('manifest' in read) return openManifest(source, read.manifest);
    descriptor = pickPlatform(read.index, platform, where);
  }
  throw new ImageError(source.where, `indexes within indexes, more than ${DEEPEST} deep`);
}

function openLayoutBlobs(files: ArchiveFiles): BlobSource {
  return {
    where: files.where,
    open(blob, options = {}) {
      const size = files.size(blobFile(blob));
      if (size !== blob.size) {
        const what =
          size === null
            ? 'missing from the archive'
            : `${size} bytes long where ${blob.size} were promised`;
        return failing(new ImageError(`${files.where}: ${blob.digest}`, what));
      }
      return counted(files.open(blobFile(blob)), options);
    },
  };
}

/** The error comes where those of reading do. */
function failing(error: Error): Readable {
  return new Readable({ read: () => undefined, destroy: (_, done) => done(error) }).destroy(error);
}

/** Tells how much of it has been read. A file waits for its reader without being read ahead. */
export function counted(stream: Readable, { onBytes }: OpenOptions): Readable {
  if (!onBytes) return stream;
  async function* count(): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const part of stream) {
      bytes += part.length;
      onBytes?.(bytes);
      yield part;
    }
  }
  return Readable.from(count(), { objectMode: false });
}
