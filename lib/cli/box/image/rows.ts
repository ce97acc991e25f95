/**
 * Images as the lines of a list: one for each name with a tag, one for an image without any.
 */
import { parseReference, shortReference } from '../../../image/reference.ts';
import type { Digest, Index } from '../../../image/spec.ts';
import type { ImageRecord, Store } from '../../../image/store.ts';
import { formatSince, formatSize, formatTime, shortId } from '../../output/units.ts';

export const NONE = '<none>';

export const HEADINGS = {
  Containers: 'CONTAINERS',
  CreatedAt: 'CREATED AT',
  CreatedSince: 'CREATED',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  SharedSize: 'SHARED SIZE',
  Size: 'SIZE',
  Tag: 'TAG',
  UniqueSize: 'UNIQUE SIZE',
};

export interface Name {
  /** In full, as the store has it. */
  full: string;
  /** As people write it, without tag and digest. */
  repository: string;
  tag: string | null;
  digest: Digest | null;
}

export function readName(full: string): Name {
  const { tag, digest, ...place } = parseReference(full);
  // Any tag does: it is taken off again.
  const repository = shortReference({ ...place, tag: 'x' }).slice(0, -2);
  return { full, repository, tag: tag ?? null, digest: digest ?? null };
}

export interface RowOptions {
  truncate: boolean;
  digests: boolean;
}

export async function rowsOf(store: Store, image: ImageRecord, { truncate, digests }: RowOptions) {
  const names = image.names.map(readName);
  const tagged = names.filter(({ tag }) => tag !== null);
  const digestOf = async (repository: string) =>
    digests
      ? outermost(
          store,
          names.flatMap((name) =>
            name.repository === repository && name.digest ? [name.digest] : [],
          ),
        )
      : null;
  const [first] = names;
  const shown = tagged.length > 0 ? tagged : [first ?? { repository: NONE, tag: null }];
  return Promise.all(
    shown.map(async ({ repository, tag }) => ({
      Containers: 'N/A',
      // Seldom wanted, and time zones take long to load.
      get CreatedAt() {
        return formatTime(image.created);
      },
      CreatedSince: formatSince(image.created),
      Digest: (await digestOf(repository)) ?? NONE,
      ID: truncate ? shortId(image.id) : image.id,
      Repository: repository,
      SharedSize: 'N/A',
      Size: formatSize(image.size),
      Tag: tag ?? NONE,
      UniqueSize: 'N/A',
    })),
  );
}

/** Of an index and the manifest in it both are names; the index is what the tag stands for. */
async function outermost(store: Store, digests: readonly Digest[]): Promise<Digest | null> {
  for (const digest of digests) {
    const { manifests = [] } = await readIndex(store, digest);
    if (manifests.some((entry) => digests.includes(entry.digest))) return digest;
  }
  return digests[0] ?? null;
}

async function readIndex(store: Store, digest: Digest): Promise<Partial<Index>> {
  try {
    return JSON.parse((await store.readBlob(digest)).toString()) as Partial<Index>;
  } catch {
    // The name may outlive the document.
    return {};
  }
}
