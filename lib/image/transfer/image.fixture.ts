/**
 * Small images for tests, put together by hand and by tar(1), not by what is tested with them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Descriptor, Digest, Platform } from '../spec.ts';

export interface TestLayer {
  tar: Buffer;
  diffId: Digest;
  blob: Buffer;
  descriptor: Descriptor;
}

export interface TestImage {
  layers: TestLayer[];
  config: Buffer;
  id: Digest;
  manifest: Buffer;
  descriptor: Descriptor;
}

type Packing = 'none' | 'gzip' | 'zstd';

const OCI = 'application/vnd.oci.image';

export const sha256 = (content: Buffer | string): Digest =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** A tar with these files, each name with its content. */
export function makeTar(files: Record<string, string | Buffer>): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-tar-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), content);
    }
    const same = ['--sort=name', '--owner=0', '--group=0', '--mtime=@0', '--format=gnu'];
    return execFileSync('tar', [...same, '-C', directory, '-cf', '-', '.'], { maxBuffer: 1 << 28 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function makeLayer(tar: Buffer, packing: Packing = 'gzip'): TestLayer {
  const pack = { none: (it: Buffer) => it, gzip: gzipSync, zstd: zstdCompressSync }[packing];
  const suffix = packing === 'none' ? '' : `+${packing}`;
  const blob = pack(tar);
  const mediaType = `${OCI}.layer.v1.tar${suffix}`;
  const descriptor = { mediaType, digest: sha256(blob), size: blob.length };
  return { tar, diffId: sha256(tar), blob, descriptor };
}

export function makeImage(layers: TestLayer[], platform: Partial<Platform> = {}): TestImage {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      ...platform,
      created: '2001-02-03T04:05:06Z',
      config: { Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map((_, at) => ({ created_by: `layer ${at}` })),
    }),
  );
  const id = sha256(config);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: { mediaType: `${OCI}.config.v1+json`, digest: id, size: config.length },
      layers: layers.map(({ descriptor }) => descriptor),
      // Nobody who writes a manifest anew would have this.
      annotations: { 'test.unboxed': 'as it was' },
    }),
  );
  const descriptor = {
    mediaType: `${OCI}.manifest.v1+json`,
    digest: sha256(manifest),
    size: manifest.length,
  };
  return { layers, config, id, manifest, descriptor };
}

/** An OCI layout directory that has them under these tags. */
export function writeTestLayout(directory: string, images: Record<string, TestImage>): void {
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (content: Buffer) => writeFileSync(join(blobs, sha256(content).slice(7)), content);
  for (const { layers, config, manifest } of Object.values(images)) {
    for (const content of [config, manifest, ...layers.map(({ blob }) => blob)]) put(content);
  }
  const manifests = Object.entries(images).map(([tag, { descriptor }]) => ({
    ...descriptor,
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }));
  const layout = { imageLayoutVersion: '1.0.0' };
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify(layout));
  const index = { schemaVersion: 2, manifests };
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
}
