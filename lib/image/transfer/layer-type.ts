/**
 * How a layer travels: the media types of its tar, plain or compressed. The image's own digests are
 * of the plain tar, so that the same layer may travel in any of them.
 * OCI image-spec, layer.md, "+gzip Media Types", "+zstd Media Types", "Non-Distributable Layers"
 */
import { ImageError } from '../image-error.ts';
import {
  type Descriptor,
  MEDIA_TYPE_CONFIG,
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_LAYER,
  MEDIA_TYPE_LAYER_GZIP,
  MEDIA_TYPE_LAYER_ZSTD,
  MEDIA_TYPE_MANIFEST,
} from '../spec.ts';

export type Compression = 'none' | 'gzip' | 'zstd';
/** Whose media types a manifest is written in. */
export type Format = 'oci' | 'docker';

const OCI: Record<Compression, string> = {
  none: MEDIA_TYPE_LAYER,
  gzip: MEDIA_TYPE_LAYER_GZIP,
  zstd: MEDIA_TYPE_LAYER_ZSTD,
};
/** Docker has no type for zstd. */
const DOCKER: Record<Exclude<Compression, 'zstd'>, string> = {
  none: MEDIA_TYPE_DOCKER_LAYER,
  gzip: MEDIA_TYPE_DOCKER_LAYER_GZIP,
};

const COMPRESSIONS = new Map<string, Compression>([
  ...(Object.entries(OCI) as [Compression, string][]).map(([name, type]) => [type, name] as const),
  ...(Object.entries(DOCKER) as [Compression, string][]).map(
    ([name, type]) => [type, name] as const,
  ),
]);

const FOREIGN = /(nondistributable|foreign)/;

/** Throws ImageError for a layer that is none, or that registries do not have. */
export function compressionOf({ mediaType }: Descriptor, where: string): Compression {
  const compression = COMPRESSIONS.get(mediaType);
  if (compression !== undefined) return compression;
  if (FOREIGN.test(mediaType)) {
    const what = `a foreign layer (${mediaType}), which its registry does not hold`;
    throw new ImageError(where, what, { remedy: 'take an image that is all there' });
  }
  throw new ImageError(where, `its type is ${JSON.stringify(mediaType)}, which is no layer`);
}

/** Throws ImageError for zstd in Docker's format. */
export function layerType(format: Format, compression: Compression): string {
  if (format === 'oci') return OCI[compression];
  if (compression !== 'zstd') return DOCKER[compression];
  const remedy = 'use OCI’s, or gzip';
  throw new ImageError('zstd', 'Docker’s manifest format has no such layers', { remedy });
}

export const manifestType = (format: Format): string =>
  format === 'oci' ? MEDIA_TYPE_MANIFEST : MEDIA_TYPE_DOCKER_MANIFEST;

export const configType = (format: Format): string =>
  format === 'oci' ? MEDIA_TYPE_CONFIG : MEDIA_TYPE_DOCKER_CONFIG;
