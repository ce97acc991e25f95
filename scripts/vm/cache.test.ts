import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cached, inputHash } from './cache.ts';

const before = process.env.UNBOXED_CACHE;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unboxed-cache-'));
  process.env.UNBOXED_CACHE = directory;
});
afterEach(async () => {
  if (before === undefined) delete process.env.UNBOXED_CACHE;
  else process.env.UNBOXED_CACHE = before;
  await rm(directory, { recursive: true });
});

describe('the cache', () => {
  it('builds what is not there, once', async () => {
    let builds = 0;
    const build = async (path: string) => {
      builds += 1;
      await writeFile(path, 'whole');
    };
    const path = await cached('image-1', build);
    expect(await cached('image-1', build)).toBe(path);
    expect(builds).toBe(1);
    expect(await readFile(path, 'utf8')).toBe('whole');
  });

  it('holds nothing of a build that failed', async () => {
    const broken = cached('image-1', async (path) => {
      await writeFile(path, 'half');
      throw new Error('no space');
    });
    await expect(broken).rejects.toThrow('no space');
    expect(await readdir(directory)).toEqual([]);
  });

  it('gives both of two builders the same whole thing', async () => {
    const build = async (path: string) => {
      await mkdir(path);
      await writeFile(join(path, 'file'), 'whole');
    };
    const [one, two] = await Promise.all([cached('dir-1', build), cached('dir-1', build)]);
    expect(one).toBe(two);
    expect(await readdir(directory)).toEqual(['dir-1']);
  });

  it('forgets what was made from other inputs and not used for a month', async () => {
    const make = (parts: string[]) =>
      cached(`root-amd64-${inputHash(parts)}.ext4`, (path) => writeFile(path, 'whole'));
    const old = await make(['a']);
    const recent = await make(['b']);
    const longAgo = new Date(Date.now() - 40 * 24 * 3600 * 1000);
    await utimes(old, longAgo, longAgo);
    const latest = await make(['c']);
    const names = (await readdir(directory)).map((name) => join(directory, name));
    expect(names.sort()).toEqual([recent, latest].sort());
  });
});

describe('the hash of inputs', () => {
  it('changes with each part, and with where one ends and the next begins', () => {
    const hashes = [['a', 'b'], ['ab'], ['a', 'c'], ['b', 'a'], ['', 'ab']].map(inputHash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes[0]).toMatch(/^[0-9a-f]{16}$/);
  });
});
