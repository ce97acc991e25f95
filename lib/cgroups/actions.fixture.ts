/** Host actions done one by one, each looked at before and after, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openHost } from '../host/host.ts';
import { cgroupActions } from './actions.ts';
import type { Limits } from './limits.ts';
import type { CgroupPlan } from './plan.ts';

/** None is there before it is done, each is afterwards, and none is left at the end. */
export async function actionsSeen(plan: CgroupPlan, limits: Limits): Promise<string[]> {
  const state = mkdtempSync(join(tmpdir(), 'unboxed-actions-'));
  const host = await openHost(plan.id, state);
  const actions = cgroupActions(plan, limits);
  try {
    for (const action of actions) {
      expect(await host.isThere(action), `${action.name} before`).toBe(false);
      await host.do(action);
      expect(await host.isThere(action), action.name).toBe(true);
    }
    expect((await host.undo()).failed).toEqual([]);
    for (const action of actions) {
      expect(await host.isThere(action), `${action.name} afterwards`).toBe(false);
    }
  } finally {
    await host.undo();
    rmSync(state, { recursive: true });
  }
  return actions.map(({ name }) => name);
}
