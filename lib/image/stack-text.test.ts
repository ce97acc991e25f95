import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Digest } from './spec.ts';
import { drawStacks, formatBytes } from './stack-text.ts';
import { type ImageRecord, type Layer, openStore, type Store } from './store.ts';

let top: string;
let store: Store;
beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'unboxed-stack-'));
  store = await openStore(join(top, 'images'));
});
afterAll(() => rmSync(top, { recursive: true }));

let count = 0;
function commit(parent: Digest | null, bytes: number): Promise<Layer> {
  const upper = join(top, String(count++));
  mkdirSync(upper);
  writeFileSync(join(upper, String(count)), 'x'.repeat(bytes));
  return store.commitLayer(parent, upper);
}

const image = (...layers: [Layer, string][]): Promise<ImageRecord> =>
  store.putImage(
    {
      ...{ architecture: 'amd64', os: 'linux' },
      rootfs: { type: 'layers', diff_ids: layers.map(([{ diffId }]) => diffId) },
      history: layers.map(([, by]) => ({ created_by: by })),
    },
    [],
  );

it('a layer that images share has one row, and counts once', async () => {
  const base = await commit(null, 1000);
  const [one, two] = [await commit(base.chainId, 10), await commit(base.chainId, 20)];
  const images = {
    base: await image([base, 'base']),
    one: await image([base, 'base'], [one, 'RUN one']),
    two: await image([base, 'base'], [two, 'RUN a long one that has no room']),
  };
  expect(await drawStacks(store, images, { width: 20 })).toBe(
    [
      'layer                    size   base   one   two',
      'RUN a long one th…       20 B   ·      ·     ●',
      'RUN one                  10 B   ·      ●     ·',
      'base                   1.0 kB   ●      ●     ●',
      'on the disk 1.0 kB; each image for itself would be 3.0 kB',
    ].join('\n'),
  );
});

it('sizes in powers of a thousand', () => {
  expect([0, 999, 1000, 14_300_000, 123_456_789].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '14.3 MB',
    '123 MB',
  ]);
});
