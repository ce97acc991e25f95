/**
 * Pushing: layers, configuration, and at last the manifest that names them, so that whoever sees it
 * finds all of it there. What was pulled and is all there as it was goes back as the same manifest,
 * byte for byte, and so under the same digest. distribution-spec, "Push"
 */
import { chainIds } from '../chain-id.ts';
import { digestOf } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import { formatReference, parseReference, type Reference } from '../reference.ts';
import type { Descriptor, Digest, Manifest } from '../spec.ts';
import type { ImageRecord, Store } from '../store.ts';
import { inParallel } from '../transfer/in-parallel.ts';
import type { Compression, Format } from '../transfer/layer-type.ts';
import { findManifest, writeManifest } from '../transfer/manifest-of.ts';
import { type OnProgress, openProgress } from '../transfer/progress.ts';
import { putDocument } from './documents.ts';
import { type PushedLayer, pushLayer } from './push-layer.ts';
import { openRepository, type RegistryOptions, type Repository } from './repository.ts';
import { hasBlob, uploadBlob } from './upload.ts';

export interface PushOptions extends RegistryOptions {
  /** Left out: as the layers are known already, gzip for those that never travelled. */
  compression?: Compression | undefined;
  /** Left out: as it was pulled, else OCI's. */
  format?: Format | undefined;
  /** Layers under way at once. Default 3. */
  parallel?: number | undefined;
  onProgress?: OnProgress | undefined;
}

export interface Pushed {
  /** Of the manifest. */
  digest: Digest;
  /** Blobs of the layers: those that travelled, and those that did not have to. */
  sent: Digest[];
  mounted: Digest[];
  present: Digest[];
}

/**
 * `name` is where to push to; `image` what, by any of its names, by default that one. Throws
 * ImageError, RegistryError among them, or the signal's reason.
 */
export async function push(
  store: Store,
  name: string | Reference,
  { image: what, ...options }: PushOptions & { image?: string } = {},
): Promise<Pushed> {
  const reference = typeof name === 'string' ? parseReference(name) : name;
  const full = formatReference(reference);
  const image = await store.image(what ?? full);
  if (!image) throw new ImageError(what ?? full, 'no such image in the store');
  if (reference.tag === undefined) {
    throw new ImageError(full, 'a digest is not for us to choose', { remedy: 'push to a tag' });
  }
  const repository = openRepository(reference, 'pull,push', options);
  const old = options.format || options.compression ? null : await findManifest(store, image);
  const layers = await pushLayers(store, repository, image, old?.manifest, options);
  await pushConfig(store, repository, image.id);

  const blobs = layers.map(({ blob }) => blob);
  const config = await store.imageConfig(image.id);
  const document =
    old && isSame(old.manifest, blobs)
      ? old
      : writeManifest(options.format ?? 'oci', { id: image.id, size: config.length }, blobs);
  await putDocument(repository, document, reference.tag);
  await store.putBlob(document.bytes, document.descriptor);
  const { digest } = document.descriptor;
  const { registry, repository: path } = reference;
  await store.tag(image.id, formatReference({ registry, repository: path, digest }));
  const digestsOf = (how: PushedLayer['how']) => [
    ...new Set(layers.filter((layer) => layer.how === how).map(({ blob }) => blob.digest)),
  ];
  return {
    digest,
    sent: digestsOf('sent'),
    mounted: digestsOf('mounted'),
    present: digestsOf('present'),
  };
}

async function pushLayers(
  store: Store,
  repository: Repository,
  { config }: ImageRecord,
  old: Manifest | undefined,
  { format = 'oci', compression, parallel = 3, onProgress }: PushOptions,
): Promise<PushedLayer[]> {
  const chain = chainIds(config.rootfs.diff_ids);
  // An image may have the same layer twice, an empty one often; it travels once.
  const begun = new Map<Digest, Promise<PushedLayer>>();
  return inParallel(config.rootfs.diff_ids, parallel, async (diffId, at) => {
    const known = old?.layers[at];
    const shown = { digest: known?.digest ?? diffId, size: known?.size ?? null };
    const tell = openProgress(onProgress, at, shown);
    const earlier = begun.get(diffId);
    if (earlier) {
      tell('present');
      return { ...(await earlier) };
    }
    const layer = { diffId, chainId: chain[at] as Digest, known, tell };
    const pushing = pushLayer(store, repository, layer, { format, compression });
    begun.set(diffId, pushing);
    return pushing;
  });
}

async function pushConfig(store: Store, repository: Repository, id: Digest): Promise<void> {
  if (await hasBlob(repository, id)) return;
  const bytes = await store.imageConfig(id);
  if (digestOf(bytes) !== id) throw new ImageError(id, 'the store’s configuration is damaged');
  await uploadBlob(repository, () => bytes);
}

const isSame = ({ layers }: Manifest, blobs: Descriptor[]) =>
  layers.length === blobs.length && layers.every(({ digest }, at) => digest === blobs[at]?.digest);
