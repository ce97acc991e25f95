/**
 * Many launches in a row from one process: what it has open, mapped and unreaped before and after,
 * and what a container that waits costs besides its own process.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Workbench } from '../../lib/lab/workbench.ts';
import { start } from '../../lib/launch/start.ts';
import { openStreams } from '../../lib/launch/streams.ts';
import { childrenOf, readStatus } from '../../lib/observe/process.ts';
import { labPrograms } from './launch.ts';

export interface Holdings {
  descriptors: number;
  mappings: number;
  zombies: number;
}

const countHoldings = (): Holdings => ({
  descriptors: readdirSync('/proc/self/fd').length,
  // The collector maps and unmaps its own heap, without a name; the arenas are shared mappings.
  mappings: readFileSync('/proc/self/maps', 'utf8').match(/ rw-s | r-xs /g)?.length ?? 0,
  zombies: childrenOf(process.pid).filter((pid) => readStatus(pid).state.startsWith('Z')).length,
});

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
  const before = countHoldings();
  let failed = 0;
  for (let i = 0; i < launches; i++) if ((await once()).code !== 0) failed++;
  return { launches, failed, before, after: countHoldings() };
}

/** Bytes that this process has grown by, and processes that were added, for a waiting container. */
export async function benchWaiting(bench: Workbench) {
  const program = await lastProgram(bench, ['/bin/sleep', '60']);
  const resident = () => process.memoryUsage.rss();
  const before = { rss: resident(), children: childrenOf(process.pid).length };
  const opened = openStreams('null');
  const child = await opened.hand((streams) => start(program, { streams }));
  // Until it sleeps it has not yet touched what it needs.
  while (readStatus(child.pid).state[0] !== 'S') await setTimeout(5);
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
  const own = Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
  const figures = {
    ownKiB: own,
    addedKiB: Math.round((resident() - before.rss) / 1024),
    addedProcesses: childrenOf(process.pid).length - before.children,
    executable: readFileSync(`/proc/${child.pid}/comm`, 'utf8').trim(),
  };
  child.kill();
  await child.exited;
  return figures;
}
