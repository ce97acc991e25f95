/**
 * A root filesystem from the host's own binaries. A process needs from its root no more than the
 * files that it opens: its executable, the loader, the libraries, a little of /etc. Copied into an
 * empty directory they make a root in which it runs, and which calls itself another distribution.
 *
 * - `buildRootfs(target, options)`: build one now.
 * - `writeRootfs(target, plan)`: build what a plan says.
 *
 * See chroot(2), ioctl_ficlone(2).
 */
import {
  chmod,
  constants,
  copyFile,
  mkdir,
  readdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MissingCommand } from './host-commands.ts';
import { RootfsError } from './rootfs-error.ts';
import { outlineRootfs, planRootfs, type RootfsOptions, type RootfsPlan } from './rootfs-plan.ts';

export type RootfsReport = {
  /** Number of regular files. */
  files: number;
  /** Sum of their sizes. */
  bytes: number;
  /** Names in /bin that were asked for and are there. */
  commands: string[];
  missing: MissingCommand[];
  /** Paths of the shared objects, the loader among them. */
  objects: string[];
};

/**
 * Builds a root filesystem in `target`, which is absent or an empty directory; needs no root.
 * The same host files and options give the same names, modes, links and contents.
 * Throws RootfsError; what is in `target` by then stays for the caller to remove.
 */
export async function buildRootfs(
  target: string,
  options: RootfsOptions = {},
): Promise<RootfsReport> {
  return writeRootfs(target, await planRootfs(await outlineRootfs(options)));
}

/** Writes what `plan` says into `target`, absent or empty. Throws RootfsError. */
export async function writeRootfs(target: string, plan: RootfsPlan): Promise<RootfsReport> {
  try {
    await mkdir(target, { recursive: true });
    if ((await readdir(target)).length > 0) {
      throw new RootfsError(target, `${target}: is not empty; name a new directory for the root`);
    }
    await makeDirectories(target, plan);
    for (const { at, to } of plan.links) await symlink(to, join(target, at));
    const copied = await Promise.all(
      plan.copies.map(({ from, at }) => copy(from, join(target, at))),
    );
    const written = await Promise.all(
      plan.texts.map(({ at, text }) => writeText(join(target, at), text)),
    );
    const sizes = [...copied, ...written];
    return {
      files: sizes.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      commands: plan.commands,
      missing: plan.missing,
      objects: plan.objects,
    };
  } catch (error) {
    if (error instanceof RootfsError) throw error;
    throw new RootfsError(
      target,
      `${target}: root filesystem not built: ${(error as Error).message}`,
      error,
    );
  }
}

/** Makes the plan's directories and those that its copies lie in, parents first. */
async function makeDirectories(target: string, plan: RootfsPlan): Promise<void> {
  const modes = new Map<string, number>([['/', 0o755]]);
  for (const { at } of plan.copies) {
    for (let path = dirname(at); path !== '/'; path = dirname(path)) modes.set(path, 0o755);
  }
  for (const { at, mode } of plan.directories) modes.set(at, mode);
  for (const [at, mode] of [...modes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await mkdir(join(target, at), { recursive: true });
    // mkdir's own mode argument is cut by the umask.
    await chmod(join(target, at), mode);
  }
}

/** Copies one file, sharing its blocks where the filesystem can. Returns its size in bytes. */
async function copy(from: string, to: string): Promise<number> {
  const { mode, size } = await stat(from);
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  // No set-user-ID: a copy of mount(8) that no update reaches must not lie about on the host.
  await chmod(to, mode & 0o777);
  return size;
}

async function writeText(path: string, text: string): Promise<number> {
  await writeFile(path, text);
  await chmod(path, 0o644);
  return Buffer.byteLength(text);
}
