/**
 * The Node release that the kit is tested with, for machines whose own is too old. It has a
 * package.json and a lock file to itself in scripts/node, so that only those machines download it
 * and its hash is checked; it stays there when node_modules is renewed.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, realpathSync, symlinkSync, unlinkSync } from 'node:fs';
import { join, sep } from 'node:path';
import { InstallError, install } from './install.mjs';
import { missingPackages, wantedPackages } from './packages.mjs';

/**
 * The path of the pinned Node, installed first where it is missing. Also linked as
 * node_modules/.bin/node, which npm puts first on PATH: the next `npm run` begins with it.
 */
export async function pinnedNode(root, say) {
  const folder = join(root, 'scripts', 'node');
  const here = `${process.platform}-${process.arch}`;
  if (wantedPackages(folder, { dev: false }).length === 0) {
    throw new InstallError(
      `Node ${process.versions.node} is too old and none is kept for ${here}; install Node 24 or newer`,
    );
  }
  const node = join(folder, 'node_modules', '.bin', 'node');
  const missing = () => missingPackages(folder, { dev: false });
  if (missing().length > 0) {
    await install(folder, {
      missing,
      omitDev: true,
      say,
      purpose: `a newer Node for this folder, as this machine's ${process.versions.node} is too old`,
      size: 'about 53 MB to download',
    });
    const { status } = spawnSync(node, ['--version']);
    if (status !== 0) {
      throw new InstallError(
        `${node} does not run on this ${here} system; install Node 24 or newer`,
      );
    }
  }
  linkPinnedNode(root);
  return node;
}

/** Whether this process is the pinned Node already, started by its link. */
export function isPinnedNode(root) {
  return process.execPath.startsWith(join(realpathSync(root), 'scripts', 'node') + sep);
}

/** Renewing node_modules takes the link away. */
export function linkPinnedNode(root) {
  link('../../scripts/node/node_modules/.bin/node', join(root, 'node_modules', '.bin', 'node'));
}

/** Not to be able to link costs time at the next start and nothing else. */
function link(target, place) {
  try {
    if (lstatSync(place, { throwIfNoEntry: false })) unlinkSync(place);
    symlinkSync(target, place);
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM', 'EEXIST', 'ENOENT'].includes(error.code)) throw error;
  }
}
