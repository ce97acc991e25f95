/**
 * Many launches in a row from one process: what it has open, mapped and unreaped before and after,
 * and what a container that waits costs besides its own process.
 */
import { readFileSync } from 'node:fs';
import type { Workbench } from '../../lib/lab/workbench.ts';
import { type Child, start } from '../../lib/launch/start.ts';
import { openStreams } from '../../lib/launch/streams.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import { childrenOf } from '../../lib/observe/process.ts';
import { readHoldings } from './holdings.ts';
import { labPrograms } from './launch.ts';

const lastProgram = async (bench: Workbench, argv: readonly string[]) => {
  const programs = await labPrograms(bench.rootfs, argv);
  const program = [...programs.values()].at(-1);
  if (!program) throw new Error('no lab has a program');
  return program;
};

export async function benchLeaks(bench: Workbench, launches: number) {
  const program = await lastProgram(bench, ['/bin/true']);
  const once = async () => {
    const opened = openStreams('null');
    const child = await opened.hand((streams) => start(program, { streams }));
    return child.exited;
  };
  await once();
  const before = readHoldings();
  let failed = 0;
  for (let i = 0; i < launches; i++) if ((await once()).code !== 0) failed++;
  return { launches, failed, before, after: readHoldings() };
}

/** For each of `count` containers that wait at once: what it and this process take in memory. */
export async function benchWaiting(bench: Workbench, count: number) {
  const program = await lastProgram(bench, ['/bin/sleep', '60']);
  const begin = async () => {
    const opened = openStreams('null');
    return opened.hand((streams) => start(program, { streams }));
  };
  const first = await begin();
  const before = { rss: process.memoryUsage.rss(), children: childrenOf(process.pid).length };
  const children: Child[] = [];
  for (let i = 0; i < count; i++) children.push(await begin());
  const grown = process.memoryUsage.rss() - before.rss;
  // Until it sleeps it has not yet touched what it needs.
  await untilAsleep(first.pid);
  const rollup = readFileSync(`/proc/${first.pid}/smaps_rollup`, 'utf8');
  const figures = {
    count,
    ownKiB: Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0),
    addedKiB: Math.round(grown / 1024 / count),
    addedProcesses: (childrenOf(process.pid).length - before.children) / count - 1,
    executable: readFileSync(`/proc/${first.pid}/comm`, 'utf8').trim(),
  };
  for (const child of [first, ...children]) {
    child.kill();
    await child.exited;
  }
  return figures;
}
