/**
 * Root filesystems that are built once. A tree is named by the hash of everything that goes into
 * it, host files by size and modification time, so an updated host gets a new tree. It is built
 * beside its final place and renamed into it: whoever sees the name sees a whole tree, and of two
 * who build at once one wins and both use the winner's.
 *
 *     STATE/rootfs/TREE/              the tree, read-only by convention
 *     STATE/rootfs/OUTLINE.json       which tree an outline led to, so that ldd need not run again
 *     STATE/rootfs/.building-PID-XXXXXX
 *
 * See rename(2).
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RootfsReport, writeRootfs } from './host-binaries.ts';
import { RootfsError } from './rootfs-error.ts';
import { outlineRootfs, planRootfs, type RootfsOptions, type RootfsPlan } from './rootfs-plan.ts';

/** A tree of the cache; do not write into it, `copyRootfs` gives a tree for that. */
export type CachedRootfs = { path: string; report: RootfsReport };

type CacheRecord = { plan: RootfsPlan; tree: string; report: RootfsReport };

/**
 * Returns a root filesystem for `options` from below `stateDir`, building it where it is not there
 * or where a host file that it was made from has changed. Needs no root. Throws RootfsError.
 */
export async function ensureRootfs(
  stateDir: string,
  options: RootfsOptions = {},
): Promise<CachedRootfs> {
  try {
    return await findOrBuild(join(stateDir, 'rootfs'), await outlineRootfs(options));
  } catch (error) {
    if (error instanceof RootfsError) throw error;
    const { message } = error as Error;
    throw new RootfsError(stateDir, `${stateDir}: no root filesystem from here: ${message}`, error);
  }
}

async function findOrBuild(cache: string, outline: RootfsPlan): Promise<CachedRootfs> {
  const recordFile = join(cache, `${await hashPlan(outline)}.json`);
  const record = await readRecord(recordFile);
  if (record && (await isCurrent(record, cache))) {
    return { path: join(cache, record.tree), report: record.report };
  }

  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const plan = await planRootfs(outline);
  const tree = await hashPlan(plan);
  const building = await mkdtemp(join(cache, `.building-${process.pid}-`));
  try {
    const report = await writeRootfs(join(building, 'tree'), plan);
    await renameUnlessThere(join(building, 'tree'), join(cache, tree));
    const written: CacheRecord = { plan, tree, report };
    await writeFile(join(building, 'record'), JSON.stringify(written));
    await rename(join(building, 'record'), recordFile);
    return { path: join(cache, tree), report };
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** Hashes the plan with size and modification time of every host file that it copies. */
async function hashPlan(plan: RootfsPlan): Promise<string> {
  const sources = await Promise.all(
    plan.copies.map(async ({ from }) => {
      const { size, mtimeNs } = await stat(from, { bigint: true });
      return `${from} ${size} ${mtimeNs}`;
    }),
  );
  return createHash('sha256')
    .update(JSON.stringify([plan, sources]))
    .digest('hex')
    .slice(0, 32);
}

async function readRecord(path: string): Promise<CacheRecord | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as CacheRecord;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new RootfsError(path, `${path}: not readable (${cause.message}); remove it`, cause);
  }
}

/** Whether the tree is there and its host files, libraries too, are those that it was made from. */
async function isCurrent({ plan, tree }: CacheRecord, cache: string): Promise<boolean> {
  try {
    await stat(join(cache, tree));
    return (await hashPlan(plan)) === tree;
  } catch (error) {
    // The tree or one of its sources is gone.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** Removes what builders that were killed have left. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /^\.building-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(cache, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
