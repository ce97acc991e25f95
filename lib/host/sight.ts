/**
 * Whether an action's result is there, asked of the kernel and not of whoever did the action.
 * A network namespace's links are read from /proc/PID/net, which shows those of that process.
 * proc_pid_net(5), proc_pid_mountinfo(5)
 */
import { lstatSync } from 'node:fs';
import { countDevicePrograms } from '../kernel/bpf.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import { orGone, readProcFile } from '../observe/proc-file.ts';
import { isSame, processesWithEnv } from '../observe/process.ts';
import type { Inside, Sight } from './action.ts';
import { runCommand } from './command.ts';
import type { Entry } from './journal.ts';

/** Throws HostError or ObserveError when it cannot be looked at. */
export async function isSeen(sight: Sight, inside: Entry['inside'] = []): Promise<boolean> {
  if ('path' in sight) return exists(sight.path);
  if ('mountPoint' in sight) {
    return readMountinfo().some(({ mountPoint }) => mountPoint === sight.mountPoint);
  }
  if ('processesOf' in sight) return processesWithEnv('container', sight.processesOf).length > 0;
  if ('deviceProgramOn' in sight) {
    return exists(sight.deviceProgramOn) && countDevicePrograms(sight.deviceProgramOn) > 0;
  }
  if (sight.inside && hasGone(sight.inside, inside)) return false;
  if ('file' in sight) return (await readText(sight))?.trim() === sight.holds.trim();
  if ('link' in sight) return hasLink(sight.link, sight.inside?.pid ?? 'self');
  return (await runCommand(sight.argv, { inside: sight.inside })).exitCode === 0;
}

/** Whether the process has ended, or another one has its pid by now. */
export function hasGone({ pid }: Inside, known: Entry['inside']): boolean {
  const identity = known.find((one) => one.pid === pid);
  if (identity) return !isSame(identity);
  return orGone(() => readProcFile(`/proc/${pid}/stat`)) === null;
}

/** Null where there is no such file. */
async function readText({ file, inside }: Extract<Sight, { file: string }>) {
  if (!inside) return orGone(() => readProcFile(file));
  const { exitCode, output } = await runCommand(['cat', file], { inside });
  return exitCode === 0 ? output : null;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function hasLink(name: string, pid: number | 'self'): boolean {
  const table = orGone(() => readProcFile(`/proc/${pid}/net/dev`)) ?? '';
  return table.split('\n').some((line) => line.trimStart().startsWith(`${name}:`));
}
