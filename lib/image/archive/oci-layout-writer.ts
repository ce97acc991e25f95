/**
 * Images as an OCI image layout, see oci-layout.ts. The index comes last: without it there is no
 * image.
 */
import { chainIds } from '../chain-id.ts';
import { type Descriptor, type Digest, MEDIA_TYPE_INDEX, type Platform } from '../spec.ts';
import type { ImageRecord, Store } from '../store.ts';
import { encodeLayer } from '../transfer/encode-layer.ts';
import { type Compression, layerType } from '../transfer/layer-type.ts';
import { writeManifest } from '../transfer/manifest-of.ts';
import type { ArchiveWriter } from './archive-writer.ts';
import {
  blobFile,
  IMAGE_NAME,
  INDEX_FILE,
  LAYOUT_FILE,
  LAYOUT_VERSION,
  REF_NAME,
} from './oci-layout.ts';
import type { Chosen } from './save.ts';

export async function writeLayout(
  store: Store,
  chosen: Chosen[],
  writer: ArchiveWriter,
  compression: Compression,
): Promise<void> {
  await writer.put(
    LAYOUT_FILE,
    Buffer.from(JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION })),
  );
  const layers = new Map<Digest, Descriptor>();

  async function putLayer(diffId: Digest, chainId: Digest): Promise<Descriptor> {
    const known = layers.get(diffId);
    if (known) return known;
    const packed = encodeLayer(store, chainId, compression);
    const written = await writer.putStream(packed, blobFile);
    const descriptor = { mediaType: layerType('oci', compression), ...written };
    layers.set(diffId, descriptor);
    return descriptor;
  }
  async function putImage({ id, config }: ImageRecord): Promise<Descriptor> {
    const diffIds = config.rootfs.diff_ids;
    const chain = chainIds(diffIds);
    const descriptors: Descriptor[] = [];
    for (const [at, diffId] of diffIds.entries()) {
      descriptors.push(await putLayer(diffId, chain[at] as Digest));
    }
    const bytes = await store.imageConfig(id);
    const manifest = writeManifest('oci', { id, size: bytes.length }, descriptors);
    await writer.put(blobFile({ digest: id }), bytes);
    const { descriptor } = manifest;
    await writer.put(blobFile(descriptor), manifest.bytes);
    return { ...descriptor, platform: platformOf(config) };
  }

  const manifests: Descriptor[] = [];
  for (const { image, names } of chosen) {
    const descriptor = await putImage(image);
    if (names.length === 0) manifests.push(descriptor);
    for (const name of names) {
      const tag = name.slice(name.lastIndexOf(':') + 1);
      manifests.push({ ...descriptor, annotations: { [IMAGE_NAME]: name, [REF_NAME]: tag } });
    }
  }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_INDEX, manifests };
  await writer.put(INDEX_FILE, Buffer.from(JSON.stringify(index)));
}

const platformOf = ({ os, architecture, variant }: Platform): Platform => ({
  architecture,
  os,
  ...(variant === undefined ? {} : { variant }),
});
