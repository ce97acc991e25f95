/**
 * A layer on its way out: its tar as the store gives it, compressed as it goes. The same layer gives
 * the same bytes, and so the same digest, each time with the same zlib.
 */
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createGzip, createZstdCompress } from 'node:zlib';
import type { Digest } from '../spec.ts';
import type { Store } from '../store.ts';
import type { Compression } from './layer-type.ts';

/** Errors of the store come out of the stream too. */
export function encodeLayer(store: Store, chainId: Digest, compression: Compression): Readable {
  const tar = store.layerTar(chainId);
  if (compression === 'none') return tar;
  const packer: Transform = compression === 'gzip' ? createGzip() : createZstdCompress();
  // Whoever reads the packer is told of an error there.
  return pipeline(tar, packer, () => undefined);
}
