/**
 * The project in the machine as it is here. Where the machine has the host's own folder (VirtualBox)
 * it is so by itself. Otherwise rsync copies what has changed since, except what
 * vagrant/sync-excludes names, and my-files.ts brings the learner's files both ways.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { filesOf, PROJECT, VAGRANT_DIRECTORY } from './machines.ts';
import type { Guest } from './ssh.ts';
import { VmError } from './vm-error.ts';

export function hasOwnCopy({ setup }: Guest): boolean {
  return setup.provider !== 'virtualbox';
}

/** Takes about a second when nothing has changed. Throws VmError with rsync's words. */
export async function copyProject(guest: Guest): Promise<void> {
  if (!hasOwnCopy(guest)) return;
  const excludes = join(VAGRANT_DIRECTORY, 'sync-excludes');
  await rsync(guest, [
    '--archive',
    '--no-owner',
    '--no-group',
    '--delete',
    `--exclude-from=${excludes}`,
    `${PROJECT}/`,
    `${guest.machine}:/unboxed/`,
  ]);
}

/** As root in the guest: labs leave files there that are root's. */
export async function rsync(
  { machine, setup }: Guest,
  args: readonly string[],
  input?: string,
): Promise<void> {
  const remote = ['--rsync-path=sudo rsync', '-e', `ssh -F "${filesOf(machine).ssh}"`];
  const [file = '', ...words] = [...setup.enter, 'rsync', ...remote, ...args];
  const { exitCode, stderr } = await execa(file, words, {
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  if (exitCode === 0) return;
  const said = stderr.trim().split('\n').slice(0, 3).join('\n');
  throw new VmError(`rsync to ${machine} ended with ${exitCode}: ${said}`);
}
