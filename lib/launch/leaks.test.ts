import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { CLONE_NEWPID } from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { orGone } from '../observe/proc-file.ts';
import { childrenOf, readStat } from '../observe/process.ts';
import { capture } from './capture.ts';
import { launch } from './program.ts';
import { quiet, rejected, sh, shell } from './shell.fixture.ts';
import { start } from './start.ts';

/** What a launch may leave behind in this process. */
function traces() {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    // Shared anonymous memory: arenas and the stub's page.
    arenas: readFileSync('/proc/self/maps', 'utf8').split('/dev/zero (deleted)').length - 1,
    zombies: childrenOf(process.pid).filter((pid) => readStat(pid).state === 'Z').length,
    listeners: process.listenerCount('SIGCHLD'),
  };
}

describe('launch after launch', () => {
  itNeeds(['root'], 'leaves no descriptor, mapping, zombie or listener', async () => {
    const good = shell('true', ['mount', 'pid']);
    const bad = launch({}, (call) => void call.execve('/nowhere', ['x'], {}));
    const gated = launch({}, (call) => {
      call.gate('closed');
      sh(call, 'true');
    });
    const forked = launch({}, (call) => {
      call.fork(CLONE_NEWPID);
      sh(call, 'true');
    });
    const refuse = { atGate: () => Promise.reject(new Error('no')) };
    const tooLong = launch({}, (call) => {
      call.gate('never reached');
      call.chdir('x'.repeat(1_000_000));
    });
    const round = async () => {
      await rejected(start(tooLong, quiet));
      await (await start(good, quiet)).exited;
      await capture(forked);
      await rejected(capture(bad));
      await rejected(capture(gated, refuse));
    };
    for (let i = 0; i < 5; i++) await round();
    await delay(300);
    const before = traces();
    for (let i = 0; i < 40; i++) await round();
    await delay(300);
    expect(traces()).toEqual(before);
  });
});

describe('when this process is killed', () => {
  const script = `
    const { launch } = await import(${JSON.stringify(new URL('./program.ts', import.meta.url))});
    const { start } = await import(${JSON.stringify(new URL('./start.ts', import.meta.url))});
    const sleeping = (uid) => launch({}, (call) => {
      if (process.getuid() === 0) call.setuid(uid);
      call.execve('/bin/sleep', ['sleep', '1000'], {});
    });
    for (const uid of [0, 65534]) console.log((await start(sleeping(uid))).pid);
    const gated = launch({}, (call) => {
      call.gate('never');
      call.execve('/bin/sleep', ['sleep', '1000'], {});
    });
    await start(gated, { atGate: async (_, pid) => { console.log(pid); await new Promise(() => {}); } });
  `;

  itNeeds(
    ['linux'],
    'running containers, also another user’s, and one at a gate end with it',
    async () => {
      const host = execFile(process.execPath, ['--input-type=module', '-e', script]);
      const pids: number[] = [];
      for await (const line of createInterface({ input: host.stdout as NodeJS.ReadableStream })) {
        if (pids.push(Number(line)) === 3) break;
      }
      expect(pids.map((pid) => existsSync(`/proc/${pid}`))).toEqual([true, true, true]);
      host.kill('SIGKILL');
      const alive = (pid: number) => (orGone(() => readStat(pid))?.state ?? 'Z') !== 'Z';
      for (let i = 0; i < 100 && pids.some(alive); i++) await delay(50);
      expect(pids.map(alive)).toEqual([false, false, false]);
    },
  );
});
