/**
 * A version 1 hierarchy of the attack's own, without a controller: nobody else's processes are limited
 * by it or told of by its release agent.
 * cgroups(7), "Cgroups v1 hierarchies"
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeCgroups } from '../../lib/host/remove-cgroups.ts';
import { kernel } from '../../lib/kernel/call.ts';
import { readMembership } from '../../lib/observe/membership.ts';
import type { Scene } from './scene.ts';

/** Mounted on the host while `body` runs; its name is for `mount -t cgroup -o none,name=…`. */
export async function withHierarchy<T>(
  scene: Scene,
  body: (name: string) => Promise<T>,
): Promise<T> {
  const name = scene.id;
  const path = join(scene.directory, 'hierarchy');
  mkdirSync(path);
  const mount = () => kernel.mount('cgroup', path, 'cgroup', 0, `none,name=${name}`);
  mount();
  try {
    return await body(name);
  } finally {
    await clear(path);
    kernel.umount2(path, 0);
    for (let left = MOST_TRIES; left > 0 && isThere(name); left--) {
      await sleep(A_MOMENT);
      mount();
      await sleep(A_MOMENT);
      kernel.umount2(path, 0);
    }
  }
}

/**
 * A removed cgroup stays for a moment, and a hierarchy that is unmounted in this moment stays for
 * good, mounted nowhere. Whoever mounts it again, and not too fast, can unmount it once more.
 */
const isThere = (name: string) => readMembership('self')[`name=${name}`] !== undefined;
const A_MOMENT = 100;
const MOST_TRIES = 50;

async function clear(path: string): Promise<void> {
  const made = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  await removeCgroups(
    made.map(({ name }) => join(path, name)),
    [],
  );
}
