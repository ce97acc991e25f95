/**
 * Images as `docker save` writes them, see docker-archive.ts. For readers from before manifest.json
 * each layer has a directory that names the one below, and `repositories` the topmost of each image.
 * Names are in full: without a registry Podman takes them for its own, Docker for Docker Hub's.
 */
import { chainIds } from '../chain-id.ts';
import { hexOf } from '../digest.ts';
import { parseReference } from '../reference.ts';
import type { Digest } from '../spec.ts';
import type { Store } from '../store.ts';
import { encodeLayer } from '../transfer/encode-layer.ts';
import type { Compression } from '../transfer/layer-type.ts';
import type { ArchiveWriter } from './archive-writer.ts';
import { type DockerManifest, MANIFEST_FILE, REPOSITORIES_FILE } from './docker-archive.ts';
import type { Chosen } from './save.ts';

export async function writeDockerArchive(
  store: Store,
  chosen: Chosen[],
  writer: ArchiveWriter,
  compression: Compression,
): Promise<void> {
  const written = new Set<Digest>();
  const manifest: DockerManifest[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, names } of chosen) {
    const { created, os, architecture, rootfs } = image.config;
    const chain = chainIds(rootfs.diff_ids);
    for (const [at, chainId] of chain.entries()) {
      if (written.has(chainId)) continue;
      written.add(chainId);
      const below = chain[at - 1];
      const [id, parent] = [hexOf(chainId), below ? { parent: hexOf(below) } : {}];
      const json = { id, ...parent, created, os, architecture };
      await writer.put(`${id}/VERSION`, Buffer.from('1.0'));
      await writer.put(`${id}/json`, Buffer.from(JSON.stringify(json)));
      await writer.putStream(encodeLayer(store, chainId, compression), () => `${id}/layer.tar`);
    }
    const config = `${hexOf(image.id)}.json`;
    await writer.put(config, await store.imageConfig(image.id));
    const layers = chain.map((chainId) => `${hexOf(chainId)}/layer.tar`);
    manifest.push({ Config: config, RepoTags: names.length > 0 ? names : null, Layers: layers });
    const top = chain.at(-1);
    for (const name of top ? names : []) {
      const { registry, repository, tag = '' } = parseReference(name);
      const path = `${registry}/${repository}`;
      repositories[path] = { ...repositories[path], [tag]: hexOf(top as Digest) };
    }
  }
  await writer.put(REPOSITORIES_FILE, Buffer.from(`${JSON.stringify(repositories)}\n`));
  await writer.put(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest)}\n`));
}
