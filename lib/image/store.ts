/**
 * The image store: a directory in which everything is named by its content. What is in it can be
 * walked by hand, name after name:
 *
 *     STORE/image/repositories.json                      names → image id
 *     STORE/image/imagedb/content/sha256/ID              the configuration, byte for byte
 *     STORE/image/layerdb/sha256/CHAIN/                  cache-id, diff, size, parent, tar-split.json.gz …
 *     STORE/image/distribution/sha256/DIFFID.json        blobs that the layer has been met as
 *     STORE/overlay2/CACHE-ID/{diff/,link,lower}         the unpacked layer
 *     STORE/overlay2/l/SHORT → ../CACHE-ID/diff          a short name for the mount's option string
 *     STORE/blobs/sha256/DIGEST                          manifests and indexes as they came
 *
 * The layer's compressed blob is not kept: `diff/` and `tar-split.json.gz` give its tar again, byte
 * for byte.
 */
import { mkdirSync, realpathSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ImageError } from './image-error.ts';
import { createLeases } from './leases.ts';
import { packLayer } from './pack-layer.ts';
import type { Descriptor, Digest, ImageConfig } from './spec.ts';
import { createBlobs } from './store-blobs.ts';
import { collectGarbage, layerIds } from './store-garbage.ts';
import { createImages } from './store-images.ts';
import { createLayers } from './store-layers.ts';
import { storePaths } from './store-paths.ts';
import { verifyStore } from './store-verify.ts';

/** Bounds for what a layer may make of itself; each has a default, see unpack-limits.ts. */
export interface UnpackLimits {
  /** Of the uncompressed tar, and of the files in it with their holes. */
  bytes?: number;
  entries?: number;
  /** Of uncompressed to compressed bytes, looked at past the first 256 MiB. */
  ratio?: number;
}

export interface LayerSource {
  /** Chain id of the layer below. It must be in the store. */
  parent: Digest | null;
  /** Digest of the uncompressed tar, where it is known. */
  diffId?: Digest;
  /** What `stream` carries, where it is known: its digest and size are verified. */
  blob?: Descriptor;
  /** A tar, plain or compressed with gzip or zstd, which is told from its first bytes. */
  stream: Readable;
  limits?: UnpackLimits;
  /** Bytes of `stream` so far. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

export interface Layer {
  chainId: Digest;
  diffId: Digest;
  /** Bytes of its regular files. */
  size: number;
  parent: Digest | null;
  cacheId: string;
  /** The unpacked directory, whiteouts in overlay's form. */
  diff: string;
  /** The short symbolic link to `diff`. */
  link: string;
  /** What an unprivileged or careful unpacker had to leave out: devices, foreign xattrs. */
  omitted: string[];
}

export interface ImageRecord {
  /** Digest of the configuration. */
  id: Digest;
  config: ImageConfig;
  names: string[];
  /** RFC 3339, as the configuration has it. */
  created: string | null;
  /** Bytes of all its layers' regular files. */
  size: number;
}

/** A blob that a layer was pulled or pushed as; `repository` is `registry/path`. */
export interface KnownBlob {
  digest: Digest;
  size: number;
  mediaType: string;
  repository: string | null;
}

/** Something in the store that is not what its name says. */
export interface Finding {
  path: string;
  problem: string;
}

export interface Garbage {
  /** What was removed: image ids, chain ids, paths of leftovers. */
  removed: string[];
  bytes: number;
}

/** All of them throw ImageError. Several processes may use one store at once. */
export interface Store {
  directory: string;
  /**
   * Streams a layer in: verifies `blob` and `diffId`, unpacks as it comes. A chain that is known
   * is returned without reading (the stream is destroyed). What was added is safe from
   * `collectGarbage` until this process ends, or an image has it.
   */
  addLayer(layer: LayerSource): Promise<Layer>;
  /** Makes a layer of a directory of changes: an overlay upper over `parent`, which is only read. */
  commitLayer(parent: Digest | null, upper: string): Promise<Layer>;
  layer(chainId: Digest): Promise<Layer | null>;
  /** All that are there, also those that no image needs. */
  layers(): Promise<Layer[]>;
  /** Byte for byte the tar whose digest is the layer's diffID; errors if that no longer holds. */
  layerTar(chainId: Digest): Readable;
  /** The unpacked directories from `chainId` down to the bottom, as lib/overlay takes them. */
  lowerdirs(chainId: Digest): Promise<string[]>;
  /** Its layers must be there. A Buffer is kept as it is. Names are moved from other images. */
  putImage(config: Buffer | ImageConfig, names: string[]): Promise<ImageRecord>;
  /** By one of its names, its id, or the beginning of its id where only one image has it. */
  image(nameOrId: string): Promise<ImageRecord | null>;
  /** The configuration's own bytes. */
  imageConfig(id: Digest): Promise<Buffer>;
  images(): Promise<ImageRecord[]>;
  tag(id: Digest, name: string): Promise<void>;
  untag(name: string): Promise<void>;
  /** Small documents: manifests, indexes. */
  putBlob(content: Readable | Buffer, expected?: Descriptor): Promise<Descriptor>;
  readBlob(digest: Digest): Promise<Buffer>;
  blobsOf(diffId: Digest): Promise<KnownBlob[]>;
  rememberBlob(diffId: Digest, blob: KnownBlob): Promise<void>;
  /**
   * Removes images without a name, layers and blobs that no image needs, and what killed processes
   * have left; of this store's own documents also those that no image needs yet. `keep` are image and chain ids that are in use, by containers for instance.
   */
  collectGarbage(options?: { keep?: Digest[] }): Promise<Garbage>;
  /** Reads everything and compares it with its name. */
  verify(): Promise<Finding[]>;
}

/** Opens the store below `directory`, making what is missing. Throws ImageError. */
export async function openStore(directory: string): Promise<Store> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return createStore(realpathSync(directory));
  } catch (cause) {
    const what = `is no place for a store: ${(cause as Error).message}`;
    throw new ImageError(directory, what, { cause });
  }
}

function createStore(directory: string): Store {
  const paths = storePaths(directory);
  const leases = createLeases(paths);
  const layers = createLayers(paths, leases);
  const images = createImages(paths, layers, leases);
  const blobs = createBlobs(paths, leases);
  return {
    directory,
    addLayer: layers.addLayer,
    commitLayer: async (parent, upper) => layers.addLayer({ parent, stream: packLayer(upper) }),
    layer: async (chainId) => layers.read(chainId),
    // One may go between the two looks.
    layers: async () => layerIds(paths).flatMap((chain) => layers.read(chain) ?? []),
    layerTar: layers.layerTar,
    lowerdirs: async (chainId) => layers.lowerdirs(chainId),
    putImage: images.putImage,
    image: images.image,
    imageConfig: async (id) => images.configBytes(id),
    images: images.images,
    tag: images.tag,
    untag: images.untag,
    putBlob: blobs.putBlob,
    readBlob: blobs.readBlob,
    blobsOf: blobs.blobsOf,
    rememberBlob: blobs.rememberBlob,
    collectGarbage: async ({ keep = [] } = {}) => {
      blobs.release();
      return collectGarbage({ paths, leases, layers, images }, new Set(keep));
    },
    verify: async () => verifyStore({ paths, layers, images }),
  };
}
