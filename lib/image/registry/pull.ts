/**
 * Pulling: a name becomes an index or a manifest, an index a manifest for one platform, a manifest a
 * configuration and layers; and of these only what the store lacks travels.
 * distribution-spec, "Pull"
 */
import { formatReference, parseReference, type Reference } from '../reference.ts';
import type { Digest, Manifest, Platform } from '../spec.ts';
import type { Store } from '../store.ts';
import { readDocument, type StoredDocument } from '../transfer/document.ts';
import { hostPlatform, pickPlatform } from '../transfer/platform.ts';
import { type Received, type ReceiveOptions, receiveImage } from '../transfer/receive-image.ts';
import { openManifest } from '../transfer/source.ts';
import { fetchDocument, wantedOf } from './documents.ts';
import { openBlob } from './download.ts';
import { openRepository, type RegistryOptions, type Repository } from './repository.ts';

export interface PullOptions
  extends RegistryOptions,
    Omit<ReceiveOptions, 'names' | 'repository' | 'signal'> {
  /** Default: this machine's. */
  platform?: Platform | undefined;
}

export interface Pulled extends Received {
  /** Of what the name stands for in the registry: an index, or a manifest. */
  digest: Digest;
  manifest: Digest;
}

/** Throws ImageError, RegistryError among them, or the signal's reason. */
export async function pull(
  store: Store,
  name: string | Reference,
  options: PullOptions = {},
): Promise<Pulled> {
  const reference = typeof name === 'string' ? parseReference(name) : name;
  const repository = openRepository(reference, 'pull', options);
  const top = await fetchDocument(repository, wantedOf(reference));
  const { document, manifest } = await findManifest(repository, top, options.platform);
  const source = {
    where: top.where,
    open: openBlob.bind(null, repository),
  };
  for (const { bytes, descriptor } of new Set([top, document])) {
    await store.putBlob(bytes, descriptor);
  }
  const { registry, repository: path, tag } = reference;
  const names = [...new Set([top.descriptor.digest, document.descriptor.digest])].map((digest) =>
    formatReference({ registry, repository: path, digest }),
  );
  if (tag !== undefined) names.unshift(formatReference({ registry, repository: path, tag }));
  const received = await receiveImage(store, await openManifest(source, manifest), {
    ...options,
    names,
    repository: repository.name,
  });
  return { ...received, digest: top.descriptor.digest, manifest: document.descriptor.digest };
}

async function findManifest(
  repository: Repository,
  top: StoredDocument,
  platform: Platform = hostPlatform(),
): Promise<{ document: StoredDocument; manifest: Manifest }> {
  let document = top;
  // An index may list indexes; deeper than this nobody nests them in earnest.
  for (let depth = 0; depth < 4; depth++) {
    const read = readDocument(document);
    if ('manifest' in read) return { document, manifest: read.manifest };
    const picked = pickPlatform(read.index, platform, top.where);
    document = await fetchDocument(repository, picked);
  }
  throw new Error(`${top.where}: indexes within indexes`);
}
