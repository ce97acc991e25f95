/**
 * An image from any source into the store: configuration, then the layers that the store lacks, from
 * the bottom up. Each is unpacked while it comes; it is whole nowhere but in its directory.
 *
 *     layer 0   ▒▒▒▒▒▒▒▒▒▒▒▒ unpacking as it comes
 *     layer 1   ▒▒▒▒         its first bytes wait in memory; then its connection waits
 *     layer 2   ▒▒▒▒         likewise
 *
 * So fetching runs ahead of unpacking by `parallel` layers and by `readAhead` bytes of each, and the
 * memory that this takes is their product, whatever the size of the layers.
 */
import type { Readable } from 'node:stream';
import { chainIds } from '../chain-id.ts';
import { isDigest } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Descriptor, Digest, ImageConfig, Manifest } from '../spec.ts';
import type { ImageRecord, Store, UnpackLimits } from '../store.ts';
import { parseJson } from './document.ts';
import { type OnProgress, openProgress } from './progress.ts';
import { type BlobSource, readBlob } from './source.ts';

export interface ReceiveOptions {
  names: string[];
  /** `registry/path` that the blobs are known in, if it is a registry. */
  repository?: string | undefined;
  /** Layers under way at once, the one that is unpacked counted. Default 3. */
  parallel?: number | undefined;
  /** Bytes of each. Default 8 MiB. */
  readAhead?: number | undefined;
  limits?: UnpackLimits | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export interface Received {
  image: ImageRecord;
  /** Blobs of the layers that travelled. */
  fetched: Digest[];
  /** diffIDs of the layers that were there. */
  present: Digest[];
}

const PARALLEL = 3;
const READ_AHEAD = 8 * 1024 * 1024;
/** Docker refuses larger ones too. */
const LARGEST_CONFIG = 8 * 1024 * 1024;

/** The layers are bottom first, as in `manifest`. Throws ImageError, or the signal's reason. */
export async function receiveImage(
  store: Store,
  source: BlobSource,
  manifest: Pick<Manifest, 'config' | 'layers'>,
  options: ReceiveOptions,
): Promise<Received> {
  const bytes = await readBlob(source, manifest.config, LARGEST_CONFIG);
  const diffIds = diffIdsOf(bytes, source.where);
  if (diffIds.length !== manifest.layers.length) {
    const layers = `${manifest.layers.length} layers`;
    const what = `its manifest has ${layers}, its configuration ${diffIds.length}`;
    throw new ImageError(source.where, what);
  }
  const plan = await planLayers(store, manifest.layers, diffIds, options.onProgress);
  await addLayers(store, source, plan, options);
  for (const { blob, diffId } of plan) {
    const { digest, size, mediaType } = blob;
    const repository = options.repository ?? null;
    if (repository !== null)
      await store.rememberBlob(diffId, { digest, size, mediaType, repository });
  }
  const image = await store.putImage(bytes, options.names);
  const [missing, present] = [plan.filter((it) => !it.present), plan.filter((it) => it.present)];
  return {
    image,
    fetched: missing.map(({ blob }) => blob.digest),
    present: present.map(({ diffId }) => diffId),
  };
}

function diffIdsOf(bytes: Buffer, where: string): Digest[] {
  const config = parseJson(bytes, `${where}: configuration`) as Partial<ImageConfig>;
  const ids: unknown = config.rootfs?.diff_ids ?? [];
  if (Array.isArray(ids) && ids.every(isDigest)) return ids;
  throw new ImageError(`${where}: configuration`, 'rootfs.diff_ids is no list of sha256 digests');
}

interface Planned {
  blob: Descriptor;
  diffId: Digest;
  chainId: Digest;
  parent: Digest | null;
  present: boolean;
  tell: ReturnType<typeof openProgress>;
}

async function planLayers(
  store: Store,
  layers: Descriptor[],
  diffIds: Digest[],
  onProgress: OnProgress | undefined,
): Promise<Planned[]> {
  const chain = chainIds(diffIds);
  const plan: Planned[] = [];
  for (const [at, blob] of layers.entries()) {
    const [diffId, chainId] = [diffIds[at] as Digest, chain[at] as Digest];
    const present = (await store.layer(chainId)) !== null;
    const tell = openProgress(onProgress, at, blob);
    tell(present ? 'present' : 'waiting');
    plan.push({ blob, diffId, chainId, parent: chain[at - 1] ?? null, present, tell });
  }
  return plan;
}

async function addLayers(
  store: Store,
  source: BlobSource,
  plan: Planned[],
  options: ReceiveOptions,
): Promise<void> {
  const { parallel = PARALLEL, readAhead = READ_AHEAD, limits, signal } = options;
  const missing = plan.filter(({ present }) => !present);
  const streams: Readable[] = [];
  const fetchUpTo = (count: number) => {
    for (const layer of missing.slice(streams.length, count)) {
      streams.push(fetchLayer(source, layer, readAhead));
    }
  };
  try {
    for (const [at, layer] of missing.entries()) {
      signal?.throwIfAborted();
      fetchUpTo(at + parallel);
      const { blob, diffId, parent, tell } = layer;
      const stream = streams[at] as Readable;
      const added = store.addLayer({
        parent,
        diffId,
        blob,
        stream,
        ...(limits ? { limits } : {}),
        ...(signal ? { signal } : {}),
      });
      await added.catch((error: unknown) => {
        signal?.throwIfAborted();
        // What became of the stream is the reason; that it ended too soon is how it looks there.
        throw stream.errored ?? error;
      });
      tell('done');
    }
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

function fetchLayer(source: BlobSource, { blob, tell }: Planned, readAhead: number): Readable {
  const stream = source.open(blob, {
    readAhead,
    onBytes: (bytes) => tell(bytes === blob.size ? 'unpacking' : 'fetching', { bytes }),
    onRetry: (reason) => tell('retrying', { reason }),
  });
  // It may fail before its turn has come; then whoever reads it is told.
  stream.on('error', () => undefined);
  stream.read(0);
  return stream;
}
