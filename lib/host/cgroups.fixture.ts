/** What the tests of cgroups need: a directory of their own in a hierarchy, and processes in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups } from '../observe/cgroups.ts';
import { removeCgroups } from './remove-cgroups.ts';

/** The mount point of a version 1 controller or, as `v2`, of the version 2 tree. */
export function hierarchy(name: string): string {
  const { controllers, v2 } = detectCgroups();
  const path = name === 'v2' ? v2 : controllers[name]?.v1;
  if (!path) throw new Error(`${name} is not mounted; the test has to need it`);
  return path;
}

/** A new cgroup, removed with all that is in it at the end of the scope. */
export function ownCgroup(name: string): { path: string } & AsyncDisposable {
  const path = join(hierarchy(name), `unboxed-test-${process.pid}`);
  mkdirSync(path);
  return { path, [Symbol.asyncDispose]: () => removeCgroups([path], []) };
}

/** A process that sleeps in the cgroup; `exited` tells by which signal it ended. */
export async function sleeperIn(...paths: string[]): Promise<{
  pid: number;
  exited: Promise<string | null>;
}> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  for (const path of paths) writeFileSync(join(path, 'cgroup.procs'), String(pid));
  return { pid, exited: once(child, 'exit').then(([, signal]) => signal) };
}
