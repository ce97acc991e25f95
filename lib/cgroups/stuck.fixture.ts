/**
 * A process that nothing stops, and that hears of nothing: it waits for the lock of a directory whose
 * file system does not answer, in state D. For tests of what waits for all processes of a cgroup.
 *
 * fuse(4), kernel Documentation/filesystems/fuse.rst "Aborting a filesystem connection"
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readStat } from '../observe/process.ts';

export interface Stuck extends AsyncDisposable {
  pid: number;
}

/** Disposed, it has ended: what has no file system any more gives its callers an error. */
export async function startStuck(): Promise<Stuck> {
  const at = mkdtempSync(join(tmpdir(), 'unboxed-stuck-'));
  const fuse = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
  const argv = ['-i', '-t', 'fuse', '-o', options, 'none', at];
  const { status } = spawnSync('mount', argv, { stdio: ['ignore', 'inherit', 'inherit', fuse] });
  if (status !== 0) throw new Error(`mount ${argv.join(' ')}: exit code ${status}`);
  const children: ChildProcess[] = [];
  // The first has the directory's lock and waits for an answer, the second waits for the lock.
  for (const name of ['first', 'second']) {
    const child = spawn('mkdir', [join(at, name)], { stdio: 'ignore' });
    children.push(child);
    while (readStat(child.pid ?? 0).state !== 'D') await setTimeout(5);
  }
  return {
    pid: children[1]?.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const ends = children.map((child) => once(child, 'exit'));
      closeSync(fuse);
      await Promise.all(ends);
      spawnSync('umount', [at], { stdio: 'inherit' });
      rmdirSync(at);
    },
  };
}
