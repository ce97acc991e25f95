import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { untilAsleep } from './asleep.ts';
import { ObserveError } from './error.ts';
import { itNeeds } from './it-needs.ts';
import { readFds, readStatus } from './process.ts';

itNeeds(['linux'], 'a program that sleeps has left its loader behind', async () => {
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore'] });
  const pid = child.pid ?? 0;
  try {
    await untilAsleep(pid);
    expect(readStatus(pid)).toMatchObject({ name: 'sleep', state: 'S' });
    expect(readFds(pid).filter(({ target }) => /\.so\b/.test(target))).toEqual([]);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

itNeeds(['linux'], 'one that has ended never rests', async () => {
  const child = spawn('true');
  const ended = once(child, 'exit');
  await ended;
  await expect(untilAsleep(child.pid ?? 0)).rejects.toThrow(ObserveError);
});
