/**
 * The digest of what COPY takes: names, kinds, modes, owners, attributes and contents, but not
 * times, since a checkout gives every file a new one.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, readFileSync, readlinkSync } from 'node:fs';
import { readAttributes } from '../attributes.ts';
import type { Digest } from '../spec.ts';
import type { Placing } from './place.ts';
import type { Item } from './selection.ts';

/** Files up to here are read at once. */
const SMALL = 1024 * 1024;

export async function digestItems(items: readonly Item[], placing: Placing): Promise<Digest> {
  const hash = createHash('sha256');
  for (const item of items) {
    const { to, name, from, stats } = item;
    const { uid, gid } = placing.owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) };
    const mode = placing.mode ?? Number(stats.mode & 0o7777n);
    const kind = Number(stats.mode & 0o170000n);
    const own = stats.isSymbolicLink() ? readlinkSync(from) : String(stats.rdev);
    const size = stats.isFile() ? Number(stats.size) : 0;
    const attributes = [...readAttributes(from)].map(([key, value]) => [
      key,
      value.toString('hex'),
    ]);
    // The length first, so that no content can pass for the next line.
    hash.update(`${JSON.stringify([to, name, kind, mode, uid, gid, own, size, attributes])}\n`);
    if (stats.isFile()) await digestContent(hash, from, size);
  }
  return `sha256:${hash.digest('hex')}`;
}

async function digestContent(hash: Hash, path: string, size: number): Promise<void> {
  const own = createHash('sha256');
  if (size <= SMALL) own.update(readFileSync(path));
  else for await (const chunk of createReadStream(path)) own.update(chunk);
  hash.update(own.digest());
}
