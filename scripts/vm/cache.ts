/**
 * Where images are kept between runs, outside the checkout. Everything there is named by the hash
 * of what it is made from, and is built under another name first, so that whatever has its name is
 * whole: an interrupted build leaves nothing that counts.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const HASH = /[0-9a-f]{16}/;
const MONTH_MS = 30 * 24 * 3600 * 1000;

/** $UNBOXED_CACHE, or `unboxed` in the user's cache directory (XDG base directories). */
export function cacheDirectory(): string {
  const { UNBOXED_CACHE, XDG_CACHE_HOME } = process.env;
  return UNBOXED_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'unboxed');
}

/** Names what is made from these parts, in their order: 16 hexadecimal digits of their SHA-256. */
export function inputHash(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 16);
}

/**
 * The path of `name` in the cache, built by `build` when it is not there. `build` gets a path that
 * does not exist yet, beside the last one, and makes a file or a directory of it.
 */
export async function cached(
  name: string,
  build: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(cacheDirectory(), name);
  if (existsSync(path)) {
    await utimes(path, new Date(), new Date());
    return path;
  }
  await mkdir(cacheDirectory(), { recursive: true });
  const unfinished = `${path}.unfinished-${randomBytes(4).toString('hex')}`;
  try {
    await build(unfinished);
    await rename(unfinished, path);
  } catch (error) {
    // Two builders of one directory: the one that came second has nothing to add.
    if (!existsSync(path)) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  await forgetUnused(name);
  return path;
}

/** What has the same name but for its hash, and was not asked for in a month. */
async function forgetUnused(name: string): Promise<void> {
  const kind = (each: string) => each.replace(HASH, '*');
  for (const other of await readdir(cacheDirectory())) {
    if (other === name || kind(other) !== kind(name)) continue;
    const path = join(cacheDirectory(), other);
    const found = await stat(path).catch(() => null);
    if (found && Date.now() - found.mtimeMs > MONTH_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
