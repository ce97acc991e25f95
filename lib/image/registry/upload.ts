/**
 * Blobs into a registry: not at all if it has them, without sending where another of its
 * repositories has them, else as a stream whose digest is known only at its end:
 *
 *     POST  blobs/uploads/?mount=D&from=R  → 201 it is there now │ 202, Location: go on here
 *     PATCH Location, the bytes            → 202, Location
 *     PUT   Location&digest=D              → 201
 *
 * An upload that failed is begun anew: a blob is named by its content, so that twice is once.
 *
 * distribution-spec, "Pushing a blob in chunks", "Mounting a blob from another repository"
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Descriptor, Digest } from '../spec.ts';
import { RegistryError } from './registry-error.ts';
import type { Repository } from './repository.ts';
import { backOff, pause } from './send.ts';

type Sized = Pick<Descriptor, 'digest' | 'size'>;

export interface UploadOptions {
  /** Bytes sent so far in this try. */
  onProgress?: ((bytes: number) => void) | undefined;
  onRetry?: ((why: string) => void) | undefined;
}

/** Whether the repository itself has it. Throws RegistryError. */
export async function hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
  const where = `${repository.name}@${digest}`;
  const response = await repository.call(`blobs/${digest}`, {
    where,
    method: 'HEAD',
    accept: [404],
  });
  return response.ok;
}

/**
 * Asks for a blob that `from`, a repository of the same registry, has. False when the registry
 * would rather have it sent. Throws RegistryError.
 */
export async function mountBlob(
  repository: Repository,
  digest: Digest,
  from: string,
): Promise<boolean> {
  const where = `${repository.name}@${digest}`;
  const query = new URLSearchParams({ mount: digest, from });
  try {
    const response = await repository.call(`blobs/uploads/?${query}`, {
      where,
      method: 'POST',
      repeatable: true,
      scopes: [`repository:${from}:pull`],
    });
    await response.body?.cancel();
    if (response.status === 202) await abandon(repository, response, where);
    return response.status === 201;
  } catch (error) {
    // Who may not read there, or asks a repository that is gone, has to send it.
    const { kind } = error as Partial<RegistryError>;
    if (kind === 'unauthorized' || kind === 'not-found') return false;
    throw error;
  }
}

/** `open` is called once for each try. Throws RegistryError. */
export async function uploadBlob(
  repository: Repository,
  open: () => Readable | Buffer,
  options: UploadOptions = {},
): Promise<Sized> {
  const { patience, signal } = repository;
  for (let tried = 1; ; tried++) {
    try {
      return await uploadOnce(repository, open(), options);
    } catch (error) {
      signal?.throwIfAborted();
      if (tried >= patience.tries || !mayPass(error)) throw error;
      options.onRetry?.((error as Error).message);
      await pause(backOff(tried, patience), signal);
    }
  }
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  if (error.kind === 'connection') return true;
  return error.status !== null && [408, 429, 500, 502, 503, 504].includes(error.status);
}

async function uploadOnce(
  repository: Repository,
  content: Readable | Buffer,
  { onProgress, onRetry }: UploadOptions,
): Promise<Sized> {
  const where = `${repository.name}: upload`;
  const call = async (target: string | URL, request: object) => {
    const response = await repository.call(target, { where, onRetry, ...request });
    await response.body?.cancel();
    return response;
  };
  // One that is begun and not gone on with expires.
  const begun = await call('blobs/uploads/', { method: 'POST', repeatable: true });
  const { body, sent } = measured(content, onProgress);
  const patched = await call(locationOf(begun, where), {
    method: 'PATCH',
    headers: { 'content-type': 'application/octet-stream' },
    body,
  });
  const { digest, size } = sent();
  const end = locationOf(patched, where);
  end.searchParams.set('digest', digest);
  await call(end, { method: 'PUT' });
  return { digest, size };
}

/** Digest and size of what has been read from `body`, once it has been read. */
function measured(content: Readable | Buffer, onProgress: UploadOptions['onProgress']) {
  const hash = createHash('sha256');
  let size = 0;
  async function* read() {
    for await (const part of Buffer.isBuffer(content) ? [content] : content) {
      hash.update(part);
      size += part.length;
      yield part as Uint8Array;
      onProgress?.(size);
    }
  }
  const sent = (): Sized => ({ digest: `sha256:${hash.digest('hex')}`, size });
  return { body: read(), sent };
}

/** Relative or whole; it is not ours to put together. */
function locationOf(response: Response, where: string): URL {
  const url = URL.parse(response.headers.get('location') ?? '', response.url);
  if (url) return url;
  const what = 'the registry did not say where the upload goes on';
  throw new RegistryError(where, what, { kind: 'unexpected', status: response.status });
}

/** The mount that came to nothing has begun an upload, which would stay until it expires. */
async function abandon(repository: Repository, response: Response, where: string): Promise<void> {
  const cancelled = await repository.call(locationOf(response, where), {
    where,
    method: 'DELETE',
    accept: [400, 404, 405],
  });
  await cancelled.body?.cancel();
}
