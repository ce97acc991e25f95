/** `npm run vm:status`: both machines in a line each. */

import { MACHINES, type Machine, readNote } from './machines.ts';
import { lookAtMachine } from './running.ts';
import { addressOf, readGuest } from './ssh.ts';

export async function describeMachines(): Promise<string[]> {
  const rows = await Promise.all(MACHINES.map(describeMachine));
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

async function describeMachine(machine: Machine): Promise<string[]> {
  const { state, setup } = await lookAtMachine(machine);
  if (setup === null || state !== 'running') return [machine, state];
  const note = readNote(machine);
  const how = note ? `${note.box}, ${note.provider}${note.driver ? `/${note.driver}` : ''}` : '';
  const address = addressOf(machine) ?? '';
  if (note === null) return [machine, 'running, not ready: npm run vm', '', address];
  const layout = await readGuest({ machine, setup }, LAYOUT).catch(() => 'does not answer');
  return [machine, state, layout.trim(), address, how];
}

/** What is mounted, not what the machine is called. */
const LAYOUT =
  'case $(stat -fc %T /sys/fs/cgroup) in cgroup2fs) echo cgroup v2;; tmpfs) echo cgroup v1;; esac';
