/**
 * `update`: other limits for a container that is there.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { planOf } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import { applyDeviceRules, applyResources } from '../resources.ts';
import type { Resources } from '../spec.ts';
import { readSpec, readStored, statusOf, withContainer } from './store.ts';

/** Throws OciError or CgroupError for what cannot be held; what came before it is in force then. */
export const updateContainer = (root: string, id: string, resources: Resources): Promise<void> =>
  withContainer(root, id, (paths) => {
    const stored = readStored(paths);
    if (!stored || statusOf(stored) === 'stopped') throw new OciError('container not running');
    const plan = planOf(stored.cgroup, id);
    applyResources(plan, resources);
    const spec = readSpec(paths);
    const before = spec.linux?.resources ?? {};
    if (resources.devices?.length) applyDeviceRules(plan, resources.devices, before.devices ?? []);
    const now = { ...spec, linux: { ...spec.linux, resources: merged(before, resources) } };
    writeFileSync(`${paths.config}.new`, JSON.stringify(now), { mode: 0o600 });
    renameSync(`${paths.config}.new`, paths.config);
  });

const merged = (before: Resources, after: Resources): Resources => ({
  ...before,
  ...after,
  memory: { ...before.memory, ...after.memory },
  cpu: { ...before.cpu, ...after.cpu },
  blockIO: { ...before.blockIO, ...after.blockIO },
});
