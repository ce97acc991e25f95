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
import type { Digest, ImageConfig } from '../spec.ts';
import type { ImageRecord, Store, UnpackLimits } from '../store.ts';
import { parseJson } from './document.ts';
import { type OnProgress, openProgress } from './progress.ts';
import type { IncomingImage, IncomingLayer } from './source.ts';

export interface ReceiveOptions {
  names: string[];
  /** `registry/path` that the blobs are known in, if it is a registry. */
  repository?: string | undefined;
  /** Layers under way at once, the one that is unpacked counted. Default 3. */
  parallel?: number | undefined;
  /** Bytes of each. Default 2 MiB. */
  readAhead?: number | undefined;
  limits?: UnpackLimits | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export interface Received {
  image: ImageRecord;
  /** Those that it was given now; the image may have others too. */
  names: string[];
  /** Of the layers that travelled, as IncomingLayer has it. */
  fetched: Digest[];
  /** diffIDs of the layers that were there. */
  present: Digest[];
}

const PARALLEL = 3;
const READ_AHEAD = 2 * 1024 * 1024;

/** Throws ImageError, or the signal's reason. */
export async function receiveImage(
  store: Store,
  { where, config, layers }: IncomingImage,
  options: ReceiveOptions,
): Promise<Received> {
  const diffIds = diffIdsOf(config, where);
  if (diffIds.length !== layers.length) {
    const what = `it has ${layers.length} layers, and ${diffIds.length} in its configuration`;
    throw new ImageError(where, what);
  }
  const plan = await planLayers(store, layers, diffIds, options.onProgress);
  await addLayers(store, where, plan, options);
  for (const { layer, diffId } of plan) {
    if (!layer.blob || options.repository === undefined) continue;
    const { digest, size, mediaType } = layer.blob;
    const { repository } = options;
    await store.rememberBlob(diffId, { digest, size, mediaType, repository });
  }
  const image = await store.putImage(config, options.names);
  const [missing, present] = [plan.filter((it) => !it.present), plan.filter((it) => it.present)];
  return {
    image,
    names: options.names,
    fetched: missing.map(({ layer }) => layer.digest),
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
  layer: IncomingLayer;
  diffId: Digest;
  chainId: Digest;
  parent: Digest | null;
  present: boolean;
  tell: ReturnType<typeof openProgress>;
}

async function planLayers(
  store: Store,
  layers: IncomingLayer[],
  diffIds: Digest[],
  onProgress: OnProgress | undefined,
): Promise<Planned[]> {
  const chain = chainIds(diffIds);
  const plan: Planned[] = [];
  for (const [at, layer] of layers.entries()) {
    const [diffId, chainId] = [diffIds[at] as Digest, chain[at] as Digest];
    const present = (await store.layer(chainId)) !== null;
    const tell = openProgress(onProgress, at, layer);
    tell(present ? 'present' : 'waiting');
    plan.push({ layer, diffId, chainId, parent: chain[at - 1] ?? null, present, tell });
  }
  return plan;
}

async function addLayers(
  store: Store,
  where: string,
  plan: Planned[],
  options: ReceiveOptions,
): Promise<void> {
  const { parallel = PARALLEL, readAhead = READ_AHEAD, limits, signal } = options;
  const missing = plan.filter(({ present }) => !present);
  const streams: Readable[] = [];
  const fetchUpTo = (count: number) => {
    for (const planned of missing.slice(streams.length, count)) {
      streams.push(fetchLayer(planned, readAhead));
    }
  };
  try {
    for (const [at, { layer, diffId, parent, tell }] of missing.entries()) {
      signal?.throwIfAborted();
      fetchUpTo(at + parallel);
      const stream = streams[at] as Readable;
      const added = store.addLayer({
        parent,
        diffId,
        stream,
        ...(layer.blob ? { blob: layer.blob } : {}),
        ...(limits ? { limits } : {}),
        ...(signal ? { signal } : {}),
      });
      await added.catch((error: unknown) => {
        signal?.throwIfAborted();
        // What became of the stream is the reason; that it ended too soon is how it looks there.
        if (stream.errored) throw stream.errored;
        if (!(error instanceof ImageError)) throw error;
        throw new ImageError(`${where}: ${layer.digest}`, error.message, { cause: error });
      });
      tell('done');
    }
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

function fetchLayer({ layer, tell }: Planned, readAhead: number): Readable {
  const stream = layer.open({
    readAhead,
    onBytes: (bytes) => tell(bytes === layer.size ? 'unpacking' : 'fetching', { bytes }),
    onRetry: (reason) => tell('retrying', { reason }),
  });
  // It may fail before its turn has come; then whoever reads it is told.
  stream.on('error', () => undefined);
  stream.read(0);
  return stream;
}
