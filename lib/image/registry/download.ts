/**
 * A blob as a stream. When the line breaks it goes on where it was, by a `Range` request, as long as
 * each try brings something. What comes is passed on as it comes, so whoever reads must verify it;
 * only its size is held to here. distribution-spec, "Pulling blobs"; RFC 9110, 14.2
 */
import { Readable } from 'node:stream';
import { ImageError } from '../image-error.ts';
import type { Descriptor } from '../spec.ts';
import type { OpenOptions } from '../transfer/source.ts';
import { networkError, RegistryError } from './registry-error.ts';
import { anyOf, type Repository } from './repository.ts';
import { backOff, pause } from './send.ts';

/** The stream's errors are RegistryError and ImageError. It holds `readAhead` bytes at most. */
export function openBlob(
  repository: Repository,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  { readAhead, onBytes, onRetry }: OpenOptions = {},
): Readable {
  const where = `${repository.name}@${digest}`;
  const unwanted = new AbortController();
  const { signal } = unwanted;
  const job = { repository, where, path: `blobs/${digest}`, size, signal, onBytes, onRetry };
  const stream = Readable.from(download(job), {
    objectMode: false,
    ...(readAhead === undefined ? {} : { highWaterMark: readAhead }),
  });
  // Else a stream that was given up would first wait for the network once more.
  const destroy = stream._destroy.bind(stream);
  stream._destroy = (error, done) => {
    unwanted.abort();
    destroy(error, done);
  };
  return stream;
}

interface Download extends Pick<OpenOptions, 'onBytes' | 'onRetry'> {
  repository: Repository;
  where: string;
  path: string;
  size: number;
  signal: AbortSignal;
}

async function* download(job: Download): AsyncGenerator<Uint8Array> {
  const { repository, where, size, signal } = job;
  const { patience } = repository;
  let at = 0;
  for (let fruitless = 0; !signal.aborted; ) {
    const before = at;
    let broken: RegistryError;
    try {
      for await (const part of readFrom(job, at)) {
        at += part.length;
        if (at > size) throw new ImageError(where, `longer than the ${size} bytes promised`);
        job.onBytes?.(at);
        yield part;
      }
      if (at === size) return;
      // A body without a length ends like this when the line is cut.
      const what = `ended after ${at} of ${size} bytes`;
      broken = new RegistryError(where, what, { kind: 'connection' });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RegistryError) || error.kind !== 'connection') throw error;
      broken = error;
    }
    fruitless = at > before ? 1 : fruitless + 1;
    if (fruitless >= patience.tries) throw broken;
    job.onRetry?.(broken.message);
    await pause(backOff(fruitless, patience), anyOf(repository.signal, signal)).catch(() => {
      repository.signal?.throwIfAborted();
    });
  }
}

async function* readFrom(job: Download, at: number): AsyncGenerator<Uint8Array> {
  const { repository, where, path, signal, onRetry } = job;
  const headers: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {};
  const response = await repository.call(path, { where, headers, signal, onRetry });
  let skip = skippedBytes(response, at, where);
  for await (const part of bodyOf(response, job)) {
    const rest = part.subarray(Math.min(skip, part.length));
    skip -= part.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

/** How much of the response we have already: all of it where the server knows no ranges. */
function skippedBytes(response: Response, at: number, where: string): number {
  if (response.status !== 206) return at;
  const first = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (first !== undefined && Number(first) <= at) return at - Number(first);
  const what = `answered a range from ${at} with ${response.headers.get('content-range')}`;
  throw new RegistryError(where, what, { kind: 'unexpected' });
}

/** The body, with the network's errors named and silence taken for one. */
async function* bodyOf(response: Response, job: Download): AsyncGenerator<Uint8Array> {
  const { where, repository } = job;
  const { silence } = repository.patience;
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      // Only the wait for the network counts, not how long the reader takes with what it got.
      let timer: NodeJS.Timeout | undefined;
      const silent = new Promise<never>((_, reject) => {
        const what = `no data for ${silence / 1000} s`;
        const error = new RegistryError(where, what, { kind: 'connection' });
        timer = setTimeout(() => reject(error), silence);
      });
      const { done, value } = await Promise.race([reader.read(), silent]).finally(() =>
        clearTimeout(timer),
      );
      if (done) return;
      yield value;
    }
  } catch (cause) {
    repository.signal?.throwIfAborted();
    throw cause instanceof ImageError ? cause : (networkError(where, cause) ?? cause);
  } finally {
    // Lets the socket go where nobody wants the rest.
    await reader.cancel().catch(() => undefined);
  }
}
