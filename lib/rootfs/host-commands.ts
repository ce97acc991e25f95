/**
 * Which of the host's programs go into a root filesystem, and where the host keeps them. On some
 * hosts (Alpine) most commands are links to one multi-call program, which looks at the name that
 * it was called by; so a command is a name and the file that the name leads to.
 *
 * - `HOST_COMMANDS`: what a lab's shell sessions use.
 * - `locateCommands(names)`: the files behind the names, and what is not there.
 *
 * See environ(7) for PATH, realpath(3).
 */
import { access, constants, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readExecutable } from './elf.ts';
import { RootfsError } from './rootfs-error.ts';

/** `source` is a binary, with every symbolic link on the way to it followed. */
export type HostCommand = { name: string; source: string };
/** A command that cannot be taken along, and why. */
export type MissingCommand = { name: string; reason: string };

export const HOST_COMMANDS: readonly string[] = (
  'bash sh ls cat ps mount umount ip ping hostname readlink sleep mkdir rmdir rm touch id kill env ' +
  'stat df chroot head grep sed ln mknod true echo printf sort uniq wc tail tr cut chmod getent ' +
  'nsenter unshare sysctl'
).split(' ');

/**
 * Finds the binary behind each name on the host's PATH and in the system directories.
 * A name that is nowhere, or leads to a script or an unreadable file, is reported as missing.
 * Throws RootfsError for a name that is a path.
 */
export async function locateCommands(
  names: readonly string[],
): Promise<{ found: HostCommand[]; missing: MissingCommand[] }> {
  const found: HostCommand[] = [];
  const missing: MissingCommand[] = [];
  for (const name of new Set(names)) {
    const command = await locateCommand(name);
    if ('source' in command) found.push(command);
    else missing.push(command);
  }
  return { found, missing };
}

async function locateCommand(name: string): Promise<HostCommand | MissingCommand> {
  if (!/^[^/\s]+$/.test(name) || name === '.' || name === '..') {
    throw new RootfsError(name, `"${name}": a command is asked for by its name, as PATH finds it`);
  }
  for (const directory of searchPath()) {
    const path = join(directory, name);
    if (!(await isExecutableFile(path))) continue;
    try {
      const head = await readExecutable(path);
      return head.kind === 'elf'
        ? { name, source: await realpath(path) }
        : { name, reason: `${path} is a script for ${head.interpreter}` };
    } catch (error) {
      if (error instanceof RootfsError) return { name, reason: error.message };
      throw error;
    }
  }
  return { name, reason: 'not on PATH' };
}

/** The directories of PATH, then those of the system, which a user's PATH often leaves out. */
function searchPath(): Set<string> {
  const own = (process.env.PATH ?? '').split(':');
  // npm puts packages' programs first on PATH; they are not the host's.
  const host = own.filter((path) => path.startsWith('/') && !path.endsWith('/node_modules/.bin'));
  return new Set([...host, '/usr/sbin', '/usr/bin', '/sbin', '/bin']);
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Absent or not executable: for a search along PATH both mean that it goes on.
    return false;
  }
}
