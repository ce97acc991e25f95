/**
 * What a guest has beyond Debian, as a tar archive to lay over it: the pinned Node and npm in
 * /usr/local, the packages of the project's lock file in /opt/unboxed/packages, and the settings
 * in vagrant/guest/files. In /opt/unboxed/packages/roots is what makes the labs' root filesystems,
 * for assemble.sh, which removes it again. npm checks every package against the hash in its lock file, and runs no
 * install script: they would run here, not in the guest.
 */

import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, inputHash } from '../cache.ts';
import { type Arch, NODE_ARCH, type Say } from './arch.ts';
import { SOURCE_DATE_EPOCH } from './debian.ts';
import { runTool } from './run-tool.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FILES = join(ROOT, 'vagrant/guest/files');
/** What makes the labs' root filesystems, in the guest itself, while it is put together. */
const MAKER = 'scripts/vm/image/lab-roots.ts';
const MADE_BY = [MAKER, 'lib/rootfs', 'lib/image/base/base-tree.ts'];
const LOCKED = { node: 'scripts/node', npm: 'vagrant/guest', packages: '.' };

/** Names the archive by what it is made from. */
export async function guestFilesId(arch: Arch): Promise<string> {
  const own = await readFile(fileURLToPath(import.meta.url));
  const makers = await makerFiles();
  const making = await Promise.all(makers.map((file) => readFile(join(ROOT, file))));
  const settings = await treeParts(FILES);
  return inputHash([arch, own, ...(await lockedParts()), ...makers, ...making, ...settings]);
}

/** Finds the archive or makes it, in less than a minute. Throws ImageError. */
export async function ensureGuestFiles(
  arch: Arch,
  say: Say,
  signal?: AbortSignal,
): Promise<{ tar: string; id: string }> {
  const id = await guestFilesId(arch);
  const tar = await cached(`guest-files-${arch}-${id}.tar`, async (path) => {
    say(`Node, npm and the project's packages for ${arch}: about 150 MB to download`);
    const stage = `${path}.stage`;
    try {
      // File by file: a directory that is empty is not in git, and would be here only.
      for (const file of await filesBelow(FILES)) await cp(join(FILES, file), join(stage, file));
      await installNode(stage, arch, signal);
      await installPackages(stage, arch, signal);
      for (const file of await makerFiles()) {
        await cp(join(ROOT, file), join(stage, 'opt/unboxed/packages/roots', file));
      }
      await pack(stage, path, signal);
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
  });
  return { tar, id };
}

async function installNode(stage: string, arch: Arch, signal?: AbortSignal): Promise<void> {
  const local = join(stage, 'usr/local');
  const build = join(stage, 'build');
  await npmCi(LOCKED.node, join(build, 'node'), arch, signal);
  await npmCi(LOCKED.npm, join(build, 'npm'), arch, signal);
  const node = join(build, 'node/node_modules', `node-linux-${NODE_ARCH[arch]}`);
  await mkdir(join(local, 'bin'), { recursive: true });
  await cp(join(node, 'bin/node'), join(local, 'bin/node'));
  await mkdir(join(local, 'share/doc/node'), { recursive: true });
  await cp(join(node, 'LICENSE'), join(local, 'share/doc/node/LICENSE'));
  await cp(join(build, 'npm/node_modules/npm'), join(local, 'lib/node_modules/npm'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
  }
  await rm(build, { recursive: true });
}

async function installPackages(stage: string, arch: Arch, signal?: AbortSignal): Promise<void> {
  const packages = join(stage, 'opt/unboxed/packages');
  await npmCi(LOCKED.packages, packages, arch, signal);
  // npm notes there where it fetched each package: this machine's registry, nobody else's.
  const record = join(packages, 'node_modules/.package-lock.json');
  const lock = JSON.parse(await readFile(record, 'utf8'));
  for (const entry of Object.values<{ resolved?: string }>(lock.packages)) delete entry.resolved;
  await writeFile(record, `${JSON.stringify(lock, null, 2)}\n`);
  await rm(join(packages, 'node_modules/.vite'), { recursive: true, force: true });
}

/** Installs what the lock file in `folder` asks for into `target`, for `arch` and glibc. */
async function npmCi(
  folder: string,
  target: string,
  arch: Arch,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(target, { recursive: true });
  const text = await readFile(join(ROOT, folder, 'package-lock.json'), 'utf8');
  await writeFile(join(target, 'package-lock.json'), text);
  // What package.json says beyond its dependencies, such as scripts, is nothing to the guest.
  const { packages } = JSON.parse(text);
  await writeFile(join(target, 'package.json'), `${JSON.stringify(packages[''], null, 2)}\n`);
  const system = ['--os=linux', `--cpu=${NODE_ARCH[arch]}`, '--libc=glibc'];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  await runTool('npm', ['ci', '--ignore-scripts', '--include=optional', ...system, ...quiet], {
    cwd: target,
    remedy: 'it needs the network',
    signal,
  });
}

/** Who unpacked it, when, and with what umask does not show. */
async function pack(stage: string, path: string, signal?: AbortSignal): Promise<void> {
  await chmod(stage, 0o755);
  const same = [`--mtime=@${SOURCE_DATE_EPOCH}`, '--owner=0', '--group=0', '--numeric-owner'];
  const mode = '--mode=u=rwX,go=rX';
  await runTool('tar', ['--create', '--sort=name', ...same, mode, '-C', stage, '-f', path, '.'], {
    signal,
  });
}

async function lockedParts(): Promise<Buffer[]> {
  const files = Object.values(LOCKED).map((folder) => join(ROOT, folder, 'package-lock.json'));
  return Promise.all(files.map((file) => readFile(file)));
}

/** Their paths in the project; a test has no part in it. */
async function makerFiles(): Promise<string[]> {
  const found = await Promise.all(
    MADE_BY.map(async (path) => {
      if (path.endsWith('.ts')) return [path];
      return (await filesBelow(join(ROOT, path))).map((file) => join(path, file));
    }),
  );
  return found.flat().filter((file) => !file.endsWith('.test.ts'));
}

/** Names and texts of all files below `folder`, in the order of their names. */
async function treeParts(folder: string): Promise<(string | Buffer)[]> {
  const files = await filesBelow(folder);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file))));
  return files.flatMap((file, index) => [file, texts[index] ?? '']);
}

/** The paths of all files below `folder`, relative to it, sorted. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
