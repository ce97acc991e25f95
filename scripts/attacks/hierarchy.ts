/**
 * A version 1 hierarchy of the attack's own, without a controller: nobody else's processes are limited
 * by it or told of by its release agent.
 * cgroups(7), "Cgroups v1 hierarchies"
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { removeCgroups } from '../../lib/host/remove-cgroups.ts';
import { removeHierarchy } from '../../lib/host/remove-hierarchy.ts';
import { kernel } from '../../lib/kernel/call.ts';
import type { Scene } from './scene.ts';

/** Mounted on the host while `body` runs; its name is for `mount -t cgroup -o none,name=…`. */
export async function withHierarchy<T>(
  scene: Scene,
  body: (name: string) => Promise<T>,
): Promise<T> {
  const name = scene.id;
  const path = join(scene.directory, 'hierarchy');
  mkdirSync(path);
  kernel.mount('cgroup', path, 'cgroup', 0, `none,name=${name}`);
  try {
    return await body(name);
  } finally {
    await clear(path);
    kernel.umount2(path, 0);
    const [unshare = '', ...argv] = removeHierarchy(name, path);
    await execa(unshare, argv);
  }
}

async function clear(path: string): Promise<void> {
  const made = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  await removeCgroups(
    made.map(({ name }) => join(path, name)),
    [],
  );
}
