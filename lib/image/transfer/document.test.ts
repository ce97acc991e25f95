import { describe, expect, it } from 'vitest';
import { digestOf } from '../digest.ts';
import * as types from '../spec.ts';
import { readDocument } from './document.ts';
import { layerType } from './layer-type.ts';

const digest = digestOf('');
const config = { mediaType: types.MEDIA_TYPE_CONFIG, digest, size: 0 };
const layer = { mediaType: types.MEDIA_TYPE_LAYER_GZIP, digest, size: 0 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [] };

const read = (value: unknown, mediaType: string = types.MEDIA_TYPE_MANIFEST) => {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return readDocument({ bytes, descriptor, where: 'image' });
};

describe('a document', () => {
  it('is a manifest or an index, in OCI’s types or Docker’s', () => {
    expect(read(manifest)).toEqual({ manifest });
    expect(read(manifest, types.MEDIA_TYPE_DOCKER_MANIFEST)).toEqual({ manifest });
    expect(read(index, types.MEDIA_TYPE_INDEX)).toEqual({ index });
    expect(read(index, types.MEDIA_TYPE_DOCKER_INDEX)).toEqual({ index });
  });

  it.each([
    ['what is no document at all', '<html>', 'text/html', /"text\/html", which is no manifest/],
    ['schema 1', '{}', 'application/vnd.docker.distribution.manifest.v1+prettyjws', /schema 1/],
    ['no JSON', '{', types.MEDIA_TYPE_MANIFEST, /image: no JSON/],
    ['null', 'null', types.MEDIA_TYPE_MANIFEST, /no JSON object/],
    ['another version', { ...manifest, schemaVersion: 1 }, undefined, /schemaVersion/],
    [
      'one that calls itself something else',
      { ...manifest, mediaType: types.MEDIA_TYPE_INDEX },
      undefined,
      /it came as \S+ and says that it is/,
    ],
    ['both at once', { ...manifest, ...index }, undefined, /manifest and index at once/],
    ['a manifest without layers', { schemaVersion: 2, config }, undefined, /no layers/],
    [
      'what is packed like an image and is none',
      { ...manifest, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      undefined,
      /no image: its configuration is "application\/vnd.cncf.helm/,
    ],
    [
      'a digest that leads elsewhere',
      { ...manifest, layers: [{ ...layer, digest: 'sha256:../../etc' }] },
      undefined,
      /layers\[0\]: no sha256 digest/,
    ],
    [
      'a size that is none',
      { ...manifest, layers: [{ ...layer, size: -1 }] },
      undefined,
      /layers\[0\]: no size in bytes: -1/,
    ],
    [
      'a foreign layer',
      {
        ...manifest,
        layers: [
          { ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
        ],
      },
      undefined,
      /foreign layer/,
    ],
    [
      'a layer that is something else',
      { ...manifest, layers: [{ ...layer, mediaType: 'application/octet-stream' }] },
      undefined,
      /"application\/octet-stream", which is no layer/,
    ],
    [
      'layers without end',
      { ...manifest, layers: Array(1001).fill(layer) },
      undefined,
      /more than 1000 layers/,
    ],
  ])('is refused: %s', (_, value, mediaType, why) => {
    expect(() => read(value, mediaType)).toThrow(why);
  });
});

it('Docker’s format has no zstd', () => {
  expect(layerType('oci', 'zstd')).toBe(types.MEDIA_TYPE_LAYER_ZSTD);
  expect(layerType('docker', 'gzip')).toBe(types.MEDIA_TYPE_DOCKER_LAYER_GZIP);
  expect(() => layerType('docker', 'zstd')).toThrow('no such layers; use OCI’s, or gzip');
});
