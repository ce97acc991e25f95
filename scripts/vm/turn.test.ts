import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { busyProcesses, takeTurn } from './turn.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-turn-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const nobody = () => {
  throw new Error('there was nobody to wait for');
};

test('whoever comes second waits for the first, and is told for whom', async () => {
  const first = await takeTurn(directory, nobody);
  let told: number[] = [];
  let came = false;
  const second = takeTurn(directory, (pids) => {
    told = pids;
  }).then((turn) => {
    came = true;
    return turn;
  });
  await sleep(500);
  expect({ came, told }).toEqual({ came: false, told: [process.pid] });
  first.release();
  (await second).release();
  expect(existsSync(join(directory, 'busy'))).toBe(false);
});

test('who waits can be told to stop, and leaves nothing', async () => {
  const first = await takeTurn(directory, nobody);
  const stop = new AbortController();
  const second = takeTurn(directory, () => stop.abort(new Error('stopped')), stop.signal);
  await expect(second).rejects.toThrow('stopped');
  expect(readdirSync(directory)).toEqual(['busy']);
  first.release();
});

test('what was released is another’s, and is left alone', async () => {
  const first = await takeTurn(directory, nobody);
  first.release();
  const second = await takeTurn(directory, nobody);
  first.release();
  first.share(process.ppid);
  expect(busyProcesses(directory)).toEqual([process.pid]);
  second.release();
});

test('a child that goes on keeps the turn of a dead process', async () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const turn = await takeTurn(directory, nobody);
  turn.share(child.pid ?? 0);
  expect(busyProcesses(directory)).toEqual([process.pid, child.pid]);
  child.kill();
  await once(child, 'close');
  expect(busyProcesses(directory)).toEqual([process.pid]);
  turn.release();
});

test('the turn of processes that are gone is nobody’s, and so is one of an earlier boot', async () => {
  // A pid that runs, with another start time: as after a start of the computer.
  writeFileSync(join(directory, 'busy'), `${process.pid} 1\n4194304 5\n`);
  expect(busyProcesses(directory)).toEqual([]);
  (await takeTurn(directory, nobody)).release();
});
