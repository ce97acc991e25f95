/**
 * How long a container takes from a warm process: from the call of start to the end of `true` in it,
 * for each lab's runtime, beside runc and unshare in the same rounds.
 */

import { dirname } from 'node:path';
import { planCgroup } from '../../lib/cgroups/plan.ts';
import { detectSite } from '../../lib/cgroups/site.ts';
import type { Container } from '../../lib/container/runtime.ts';
import { course, loadLab, numberOf } from '../../lib/lab/course.ts';
import type { Workbench } from '../../lib/lab/workbench.ts';
import { labEnvironment } from '../../lib/lab/workbench.ts';
import type { Program } from '../../lib/launch/program.ts';
import { start } from '../../lib/launch/start.ts';
import { openStreams } from '../../lib/launch/streams.ts';
import { planNetwork } from '../../lib/network/plan.ts';
import { planLayers } from '../../lib/overlay/plan.ts';
import { prepareRunc, prepareUnshare } from './peers.ts';
import { compareTimes } from './sample.ts';

export const containerFor = (rootfs: string, argv: readonly string[]): Container => ({
  id: 'bench',
  rootfs,
  hostname: 'bench',
  argv,
  env: labEnvironment('bench'),
  network: planNetwork('bench', 1),
  layers: planLayers(`${dirname(rootfs)}/layers`, [rootfs]),
  cgroup: planCgroup(detectSite('bench'), 'bench'),
  host: null,
});

/** The program of every lab from 01 on, running `argv`; without the host's half. */
export async function labPrograms(rootfs: string, argv: readonly string[]) {
  const programs = new Map<string, Program>();
  for (const folder of course.slice(1, 6)) {
    const lab = await loadLab(numberOf(folder));
    if (lab) programs.set(folder, lab.runtime.runtime(containerFor(rootfs, argv)).program);
  }
  return programs;
}

async function launchOnce(program: Program): Promise<void> {
  const opened = openStreams('null');
  const child = await opened.hand((streams) => start(program, { streams }));
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`true ended with ${code}`);
}

export interface LaunchFigures {
  /** Median milliseconds by lab folder, and of `runc run` and `unshare` where installed. */
  [contender: string]: number;
}

export async function benchLaunch(bench: Workbench, rounds: number): Promise<LaunchFigures> {
  const programs = await labPrograms(bench.rootfs, ['/bin/true']);
  const contenders: Record<string, () => Promise<void>> = {};
  for (const [name, program] of programs) contenders[name] = () => launchOnce(program);
  const runc = await prepareRunc(bench.directory, bench.rootfs);
  const unshare = prepareUnshare(bench.rootfs);
  if (runc) contenders['runc run'] = runc;
  if (unshare) contenders.unshare = unshare;
  return compareTimes(contenders, rounds);
}

/** Lab 05 with its host's half: bridge, cable, addresses and rules, made and undone each time. */
export async function benchNetwork(bench: Workbench, rounds: number): Promise<number> {
  const lab = await loadLab('05');
  if (!lab) throw new Error('there is no lab 05');
  const subject = bench.subjectFor(lab.runtime, 'lab 05');
  const run = async () => {
    await using box = await subject.start({ argv: ['/bin/true'] });
    await box.exited;
  };
  const { whole = Number.NaN } = await compareTimes({ whole: run }, rounds);
  return whole;
}
