import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeUnfinished, writeAtomic } from './atomic-file.ts';
import { holdLease, tryLock, withLock } from './lock.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'unboxed-atomic-'));
});
afterEach(() => rmSync(base, { recursive: true }));

it('a file is replaced by a new one, for its owner alone', () => {
  const path = join(base, 'some/file');
  writeAtomic(path, 'one');
  const old = openSync(path, 'r');
  writeAtomic(path, 'two');
  expect(readFileSync(old, 'utf8')).toBe('one');
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(readdirSync(join(base, 'some'))).toEqual(['file']);
  closeSync(old);
});

it('what a writer left is removed, what one is at is not', () => {
  const [left, used] = ['.a.0123456789abcdef.new', '.b.0123456789abcdef.new'];
  for (const name of [left, used, 'c.new']) writeFileSync(join(base, name), '');
  const fd = openSync(join(base, used), 'r');
  expect(tryLock(fd, 'exclusive')).toBe(true);
  expect(removeUnfinished(base)).toEqual([join(base, left)]);
  closeSync(fd);
  expect(removeUnfinished(base)).toEqual([join(base, used)]);
  expect(readdirSync(base)).toEqual(['c.new']);
});

it('one lock is had by one at a time, in this process too', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 2));
    inside--;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(join(base, 'lock'), work)));
  expect(most).toBe(1);
});

it('a lease is held by several, and keeps who would remove the thing away', async () => {
  const path = join(base, 'lease');
  const [one, two] = [await holdLease(path), await holdLease(path)];
  const fd = openSync(path, 'r');
  one();
  expect(tryLock(fd, 'exclusive')).toBe(false);
  two();
  expect(tryLock(fd, 'exclusive')).toBe(true);
  closeSync(fd);
});
