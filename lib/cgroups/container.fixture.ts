/** A process in a cgroup of its own, as a runtime would start it, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, openHost } from '../host/host.ts';
import { SIG_SETMASK } from '../kernel/constants.ts';
import { type Captured, capture } from '../launch/capture.ts';
import { launch, type Program } from '../launch/program.ts';
import { type Child, start } from '../launch/start.ts';
import { openStreams } from '../launch/streams.ts';
import { cgroupActions } from './actions.ts';
import { enterCgroup } from './enter-cgroup.ts';
import type { Limits } from './limits.ts';
import { type CgroupPlan, onlyV1, onlyV2, planCgroup } from './plan.ts';
import { detectSite } from './site.ts';

export interface Box extends AsyncDisposable {
  plan: CgroupPlan;
  host: Host;
  /** A shell with this script, started in the cgroup. */
  start(script: string): Promise<Child>;
  /** The same to its end, with what it printed. */
  run(script: string): Promise<Captured>;
}

let count = 0;

/** Half of what this machine offers: version 1 (of these controllers alone) or version 2. */
export function planFor(version: 1 | 2, controllers?: readonly string[]): CgroupPlan {
  const id = `test-${process.pid}-${++count}`;
  const plan = planCgroup(detectSite(id), id);
  return version === 1 ? onlyV1(plan, controllers) : onlyV2(plan);
}

/** Its cgroup is made with the limits; whatever is in it ends and is undone with the scope. */
export async function openBox(plan: CgroupPlan, limits: Limits = {}): Promise<Box> {
  const state = mkdtempSync(join(tmpdir(), 'unboxed-cgroups-'));
  const host = await openHost(plan.id, state);
  const close = async () => {
    const { failed } = await host.undo();
    rmSync(state, { recursive: true });
    if (failed[0]) throw failed[0].error;
  };
  try {
    for (const action of cgroupActions(plan, limits)) await host.do(action);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    plan,
    host,
    start: (script) =>
      openStreams('null').hand((streams) => start(programIn(plan, script), { streams })),
    run: (script) => capture(programIn(plan, script)),
    [Symbol.asyncDispose]: close,
  };
}

const programIn = (plan: CgroupPlan, script: string): Program =>
  launch({ cgroup: plan.v2 }, (call) => {
    enterCgroup(call, plan);
    call.rtSigprocmask(SIG_SETMASK, []);
    call.execve('/bin/sh', ['sh', '-c', script], {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      container: plan.id,
    });
  });
