/** Whether there is room for a build, asked before it begins. statfs(2) */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { cacheDirectory } from '../cache.ts';
import { ImageError } from './image-error.ts';

/** In bytes: what a build takes from an empty cache at its widest, 3.2 GB and 0.8 GB, and a reserve. */
const NEEDED = { cache: 4e9, temporary: 1.5e9 };

/** Throws ImageError when the cache's filesystem, or that of temporary files, has too little left. */
export async function requireSpace(): Promise<void> {
  const cache = existingParent(cacheDirectory());
  await requireFree(cache, NEEDED.cache, 'set UNBOXED_CACHE to a directory with more');
  await requireFree(tmpdir(), NEEDED.temporary, 'set TMPDIR to a directory with more');
}

async function requireFree(directory: string, needed: number, remedy: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= needed) return;
  const [has, wants] = [free, needed].map((bytes) => (bytes / 1e9).toFixed(1));
  throw new ImageError(`${directory} has ${has} GB free, a build takes ${wants} GB`, { remedy });
}

function existingParent(path: string): string {
  return existsSync(path) ? path : existingParent(dirname(path));
}
