import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { arrive, beAlone, busyNeighbours, leave } from './neighbours.ts';
import { takeTurn } from './turn.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-neighbours-'));
  vi.stubEnv('UNBOXED_CACHE', join(directory, 'cache'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** What follows is this checkout's. */
function be(checkout: string): string {
  const state = join(directory, checkout);
  mkdirSync(join(state, 'unboxed'), { recursive: true });
  vi.stubEnv('VAGRANT_DOTFILE_PATH', state);
  return join(state, 'unboxed');
}

test('a checkout that is at work is seen by the other, and not by itself', async () => {
  const one = be('one');
  arrive();
  const turn = await takeTurn(one, () => {});
  expect(busyNeighbours()).toEqual([]);
  be('two');
  expect(busyNeighbours()).toEqual([process.pid]);
  turn.release();
  expect(busyNeighbours()).toEqual([]);
});

test('who has left is no neighbour any more', async () => {
  const turn = await takeTurn(be('one'), () => {});
  arrive();
  leave();
  be('two');
  expect(busyNeighbours()).toEqual([]);
  turn.release();
});

test('a checkout that was deleted holds nobody up', () => {
  be('one');
  arrive();
  rmSync(join(directory, 'one'), { recursive: true });
  be('two');
  expect(busyNeighbours()).toEqual([]);
});

test('one after the other', async () => {
  be('one');
  const seen: string[] = [];
  const first = await beAlone(() => seen.push('nobody is there'));
  be('two');
  const second = beAlone((pids) => seen.push(`waits for ${pids.join()}`)).then((turn) => {
    seen.push('second');
    return turn;
  });
  await vi.waitFor(() => expect(seen).toEqual([`waits for ${process.pid}`]));
  first.release();
  (await second).release();
  expect(seen).toEqual([`waits for ${process.pid}`, 'second']);
});
