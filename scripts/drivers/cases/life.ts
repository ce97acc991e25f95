/** A container in the background, until nothing is left of it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMountinfo } from '../../../lib/observe/mountinfo.ts';
import { type Case, eventually, FOREVER, running, says, scratch, sh } from '../case.ts';
import { directoryOf, isFrozen } from '../cgroup-of.ts';
import type { Engine } from '../engine.ts';

const MANY = 20;

export const lifeCases: readonly Case[] = [
  {
    name: 'stop: SIGTERM, and its exit code',
    prove: (engine) =>
      running(
        engine,
        { argv: sh('trap "exit 3" TERM; echo set; while :; do sleep 0.1; done') },
        async (id) => {
          await says(engine, id, /set/);
          const code = engine.exitCode(id);
          await engine.stop(id);
          assert.equal(await code, 3);
        },
      ),
  },
  {
    name: 'stop: who does not listen is killed',
    prove: (engine) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const code = engine.exitCode(id);
        await engine.stop(id);
        assert.equal(await code, 137);
      }),
  },
  {
    name: 'kill with a signal',
    prove: (engine) =>
      running(
        engine,
        { argv: sh('trap "echo usr1" USR1; echo set; while :; do sleep 0.1; done') },
        async (id) => {
          await says(engine, id, /set/);
          await engine.kill(id, 'SIGUSR1');
          await says(engine, id, /usr1/);
          const code = engine.exitCode(id);
          await engine.kill(id, 'SIGKILL');
          assert.equal(await code, 137);
        },
      ),
  },
  {
    name: 'pause and resume',
    async prove(engine, { directory }) {
      const volumes = [{ from: scratch(directory), to: '/data' }];
      const count = join(volumes[0]?.from ?? '', 'count');
      const argv = sh('while :; do echo >> /data/count; sleep 0.02; done');
      const lines = () => (existsSync(count) ? readFileSync(count, 'utf8').length : 0);
      await running(engine, { argv, volumes }, async (id) => {
        await eventually('it does nothing', () => lines() > 0);
        const pid = await engine.pid(id);
        await engine.pause(id);
        const before = lines();
        assert.ok(isFrozen(pid), 'its cgroup is not frozen');
        await sleep(200);
        assert.equal(lines(), before, 'it goes on while it is paused');
        await engine.resume(id);
        await eventually('it does not go on', () => lines() > before);
        assert.ok(!isFrozen(pid), 'its cgroup is still frozen');
      });
    },
  },
  {
    name: 'logs',
    prove: (engine) =>
      running(engine, { argv: sh('echo one; echo two >&2; exec sleep 600') }, async (id) => {
        await says(engine, id, /one.*two|two.*one/s);
      }),
  },
  {
    name: 'its processes',
    prove: (engine) =>
      running(engine, { argv: sh('sleep 600 & sleep 600') }, async (id) => {
        const first = await engine.pid(id);
        await eventually('three processes are not listed', async () => {
          const pids = await engine.top(id);
          return pids.length === 3 && pids.includes(first);
        });
      }),
  },
  {
    name: `${MANY} at once, all healthy`,
    async prove(engine) {
      const wanted = { argv: FOREVER, health: 'grep -q sleep /proc/1/cmdline' };
      const started = await Promise.allSettled(
        Array.from({ length: MANY }, () => engine.start(wanted)),
      );
      const ids = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      try {
        const failed = started.find((one) => one.status === 'rejected');
        if (failed) throw failed.reason;
        const pids = await Promise.all(ids.map((id) => engine.pid(id)));
        assert.equal(new Set(pids).size, MANY, `they are not so many: ${pids.join(' ')}`);
        const words = await Promise.all(ids.map((id) => engine.health(id)));
        assert.deepEqual(new Set(words), new Set(['healthy']));
      } finally {
        // Ended first: dockerd 20.10 dies (nil in ContainerExecStart) where it is just about to look at
        // the health of a container that is removed.
        await Promise.all(ids.map((id) => endOf(engine, id)));
        await Promise.all(ids.map((id) => engine.remove(id)));
      }
    },
  },
  {
    name: 'nothing is left of it',
    async prove(engine, { directory }) {
      const id = await engine.start({ argv: FOREVER });
      const pid = await engine.pid(id);
      const memory = directoryOf(pid, 'memory') ?? '';
      assert.ok(existsSync(memory), 'its cgroup cannot be seen');
      await engine.remove(id);
      const state = () => (existsSync(engine.runtimeRoot) ? readdirSync(engine.runtimeRoot) : []);
      const roots = () =>
        readMountinfo().filter(
          ({ mountPoint }) =>
            mountPoint.startsWith(directory) && /\/(merged|rootfs)$/.test(mountPoint),
        );
      await eventually('its process is still there', () => !existsSync(`/proc/${pid}`));
      await eventually('its cgroup is still there', () => !existsSync(memory));
      await eventually('its root is still mounted', () => roots().length === 0);
      await eventually('the runtime still has state', () => state().length === 0);
    },
  },
];

async function endOf(engine: Engine, id: string): Promise<void> {
  const code = engine.exitCode(id);
  await engine.kill(id, 'SIGKILL');
  await code;
}
