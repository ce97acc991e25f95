/**
 * The Bun release that the standalone executables are built with. It has a package.json and a lock
 * file to itself in scripts/bun, so that only those who build them download it. Its packages are
 * for one libc each, of which npm takes the right one; the one that is there is looked for here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InstallError, install } from './install.mjs';

const PACKAGES = { arm64: '@oven/bun-linux-aarch64', x64: '@oven/bun-linux-x64-baseline' };

/** The path of the pinned Bun, installed first where it is missing. Throws InstallError. */
export async function pinnedBun(root, say) {
  const folder = join(root, 'scripts', 'bun');
  const name = process.platform === 'linux' ? PACKAGES[process.arch] : undefined;
  if (name === undefined) {
    throw new InstallError(
      `no Bun is kept for ${process.platform}-${process.arch}: build on Linux, on x64 or arm64`,
    );
  }
  const place = join(folder, 'node_modules', name);
  const wanted = readVersion(folder);
  const missing = () => (readVersion(place) === wanted ? [] : [name]);
  if (missing().length > 0) {
    await install(folder, {
      missing,
      omitDev: true,
      say,
      purpose: 'Bun, which builds the executables',
      size: 'about 51 MB to download',
    });
  }
  return join(place, 'bin', 'bun');
}

function readVersion(folder) {
  const file = join(folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}
