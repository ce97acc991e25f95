/**
 * Sources of ADD that are addresses: one file each, fetched anew by every build, so that its content
 * decides about the cache. Archives from there stay as they are. `--checksum` says what it has to be.
 *
 * Dockerfile reference, "ADD", "Adding files from a URL"
 */
import { createWriteStream, lstatSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseDigest, verifying } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Item } from './selection.ts';

export const isUrl = (source: string): boolean => /^(https?|ftp|git|ssh):\/\//i.test(source);

export interface Fetching {
  sources: readonly string[];
  destination: string;
  flags: ReadonlyMap<string, string>;
}

/** The files exist until `files` is disposed of. Throws ImageError with the address. */
export async function fetchItems(
  { sources, destination, flags }: Fetching,
  files: DisposableStack,
  signal: AbortSignal | undefined,
): Promise<Item[]> {
  const checksum = flags.get('checksum');
  const urls = sources.filter(isUrl);
  if (checksum !== undefined && (urls.length !== 1 || sources.length !== 1)) {
    throw new ImageError('--checksum', 'is for a single source, and that an address');
  }
  if (urls.length === 0) return [];
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-add-'));
  files.defer(() => rmSync(directory, { recursive: true }));
  const items: Item[] = [];
  for (const [index, url] of urls.entries()) {
    if (!/^https?:/i.test(url)) {
      throw new ImageError(url, 'only http:// and https:// are fetched; clone it, then COPY');
    }
    const name = decodeURIComponent(posix.basename(new URL(url).pathname));
    if (name === '' && destination.endsWith('/')) {
      throw new ImageError(url, 'has no file name in it; give the destination one');
    }
    const from = join(directory, String(index));
    await fetchTo(from, url, { checksum, signal });
    items.push({ from, to: '', name: name || 'index', stats: lstatSync(from, { bigint: true }) });
  }
  return items;
}

async function fetchTo(
  path: string,
  url: string,
  { checksum, signal }: { checksum: string | undefined; signal: AbortSignal | undefined },
): Promise<void> {
  const answer = await fetch(url, signal ? { signal } : {}).catch((cause: Error) => {
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw new ImageError(url, `could not be fetched: ${reason}`, { cause });
  });
  if (!answer.ok || !answer.body) {
    throw new ImageError(url, `answered ${answer.status} ${answer.statusText}`);
  }
  const body = Readable.fromWeb(answer.body);
  const file = createWriteStream(path, { mode: 0o600 });
  if (checksum === undefined) await pipeline(body, file);
  else await pipeline(body, verifying({ digest: parseDigest(checksum, '--checksum') }, url), file);
  const modified = Date.parse(answer.headers.get('last-modified') ?? '');
  const time = Number.isNaN(modified) ? 0 : modified / 1000;
  utimesSync(path, time, time);
}
