import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Action } from './action.ts';
import { openHost } from './host.ts';
import { openShare } from './share.ts';

const state = mkdtempSync(join(tmpdir(), 'unboxed-share-'));
afterEach(() => rmSync(state, { recursive: true, force: true }));

const directory = (path: string): Action => ({
  name: `directory ${path}`,
  shared: true,
  does: [{ do: 'mkdir', path }],
  undoes: [{ do: 'remove', path }],
  seen: { path },
});

it('does what many ask for once, and undoes it with the run', async () => {
  const host = await openHost('shared', state);
  const share = openShare(host);
  const path = join(host.directory, 'bridge');
  await Promise.all([share(directory(path)), share(directory(path)), share(directory(path))]);
  expect(host.done.filter(({ shared }) => shared)).toHaveLength(1);
  const { undone, failed } = await host.undo();
  expect(failed).toEqual([]);
  expect(undone).toContain(`directory ${path}`);
});

it('tells everybody that it could not be done', async () => {
  const host = await openHost('refused', state);
  const share = openShare(host);
  const taken = directory(host.directory);
  await expect(share({ ...taken, name: 'taken' })).rejects.toThrow(/somebody else/);
  await expect(share({ ...taken, name: 'taken' })).rejects.toThrow(/somebody else/);
  await host.undo();
});
