/**
 * A cgroup that a reader makes by hand. Its place is written into the journal before there is
 * anything, so that what is made there goes with the step, also when the step is cut short.
 */
import { basename, dirname } from 'node:path';
import { siteActions } from '../../lib/cgroups/actions.ts';
import { type CgroupPlan, onlyV1, planCgroup, v1Directories } from '../../lib/cgroups/plan.ts';
import { detectSite } from '../../lib/cgroups/site.ts';
import { openHost } from '../../lib/host/host.ts';
import type { StepContext } from '../../lib/lab/lab.ts';

export interface Reserved extends AsyncDisposable {
  plan: CgroupPlan;
}

/** Names the directories of these controllers and makes none; at the end none is left. */
export async function reserve(
  { subject }: StepContext,
  controllers: readonly string[],
): Promise<Reserved> {
  const id = `${basename(dirname(subject.rootfs))}-hand`;
  const plan = onlyV1(planCgroup(detectSite(id), id), controllers);
  const host = await openHost(id);
  const dispose = async () => {
    const [failure] = (await host.undo()).failed;
    if (failure) throw failure.error;
  };
  const paths = v1Directories(plan);
  try {
    for (const action of siteActions(plan)) await host.do(action);
    await host.do({
      name: `cgroup ${id}, made by hand`,
      does: [],
      undoes: [{ do: 'remove-cgroups', paths, parents: paths.map((path) => dirname(path)) }],
      seen: { path: paths[0] ?? '' },
    });
  } catch (error) {
    await host.undo();
    throw error;
  }
  return { plan, [Symbol.asyncDispose]: dispose };
}
