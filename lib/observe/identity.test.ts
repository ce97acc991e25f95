import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { identify, isSame, parseStat, readStat } from './identity.ts';
import { itNeeds } from './it-needs.ts';

it('a command name with parentheses and blanks does not shift the fields', () => {
  const fields = Array.from({ length: 44 }, (_, index) => String(index + 9));
  const text = `7 (a) S 99 (b) ) Z 42 5 6 7 8 ${fields.join(' ')}\n`;
  expect(parseStat(text)).toMatchObject({ state: 'Z', ppid: 42, startTime: '22' });
});

itNeeds(['linux', 'ps'], 'a process is itself as long as it runs, and not afterwards', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const identity = identify(child.pid ?? 0);
  expect(isSame(identity)).toBe(true);
  expect(isSame({ ...identity, startTime: String(Number(identity.startTime) - 1) })).toBe(false);
  expect(isSame({ ...identity, boot: 'another' })).toBe(false);
  child.kill();
  await once(child, 'exit');
  expect(isSame(identity)).toBe(false);
});

itNeeds(['linux', 'ps'], 'a zombie is not the process any more', async () => {
  // The shell becomes a `sleep` that never waits for the child it had.
  const script = 'sleep 0.3 & echo $!; exec sleep 60';
  const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [line] = await once(parent.stdout, 'data');
    const zombie = identify(Number(String(line)));
    expect(isSame(zombie)).toBe(true);
    await expect.poll(() => readStat(zombie.pid).state).toBe('Z');
    expect(isSame(zombie)).toBe(false);
    const shown = execFileSync('ps', ['-o', 'stat=', '-p', String(zombie.pid)]);
    expect(String(shown)).toMatch(/^Z/);
  } finally {
    parent.kill();
  }
});

itNeeds(['linux', 'ps'], 'the start time is as long ago as ps says', () => {
  const ps = (column: string) =>
    Number(execFileSync('ps', ['-o', `${column}=`, '-p', String(process.pid)]));
  const ticks = Number(execFileSync('getconf', ['CLK_TCK']));
  const started = Number(identify(process.pid).startTime) / ticks;
  const uptime = Number(execFileSync('cut', ['-d ', '-f1', '/proc/uptime']));
  expect(Math.abs(uptime - started - ps('etimes'))).toBeLessThan(3);
});
