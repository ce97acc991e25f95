/** Limits, as the kernel has them. */
import assert from 'node:assert/strict';
import { type Case, FOREVER, MEBIBYTE, running } from '../case.ts';
import { limitsOf } from '../cgroup-of.ts';

export const limitCases: readonly Case[] = [
  {
    name: 'limits of memory and processors',
    prove: (engine) =>
      running(engine, { argv: FOREVER, memory: 64 * MEBIBYTE, cpus: 0.5 }, async (id) => {
        const { memory, cpus } = limitsOf(await engine.pid(id));
        assert.deepEqual({ memory, cpus }, { memory: 64 * MEBIBYTE, cpus: 0.5 });
      }),
  },
  {
    name: 'limit of processes',
    prove: (engine) =>
      running(engine, { argv: FOREVER, pids: 33 }, async (id) => {
        assert.equal(limitsOf(await engine.pid(id)).pids, 33);
      }),
  },
  {
    name: 'other limits while it runs',
    prove: (engine) =>
      running(engine, { argv: FOREVER, memory: 64 * MEBIBYTE, cpus: 0.5 }, async (id) => {
        await engine.update(id, { memory: 48 * MEBIBYTE, cpus: 0.25 });
        const { memory, cpus } = limitsOf(await engine.pid(id));
        assert.deepEqual({ memory, cpus }, { memory: 48 * MEBIBYTE, cpus: 0.25 });
      }),
  },
];
