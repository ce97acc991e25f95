import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inParallel } from './in-parallel.ts';

it('a few are under way at once, and the results come in order', async () => {
  let [now, most] = [0, 0];
  const results = await inParallel([30, 10, 20, 0], 2, async (wait, index) => {
    most = Math.max(most, ++now);
    await delay(wait);
    now -= 1;
    return `${index}:${wait}`;
  });
  expect(results).toEqual(['0:30', '1:10', '2:20', '3:0']);
  expect(most).toBe(2);
});

it('after a failure nothing is begun, and what was under way has ended', async () => {
  const events: string[] = [];
  const running = inParallel(['a', 'b', 'c', 'd'], 2, async (name) => {
    events.push(name);
    if (name === 'a') throw new Error('a fails');
    await delay(20);
    events.push(`${name} ended`);
  });
  await expect(running).rejects.toThrow('a fails');
  expect(events).toEqual(['a', 'b', 'b ended']);
});
