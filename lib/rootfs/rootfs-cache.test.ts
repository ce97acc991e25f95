import { spawnSync } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { locateCommands } from './host-commands.ts';
import { ensureRootfs } from './rootfs-cache.ts';

const { PATH } = process.env;
let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'unboxed-cache-'));
});
afterEach(async () => {
  process.env.PATH = PATH;
  await rm(stateDir, { recursive: true });
});

const trees = async () =>
  (await readdir(join(stateDir, 'rootfs'))).filter((name) => /^[0-9a-f]{32}$/.test(name));

it('builds once and gives the same tree and report again', async () => {
  const first = await ensureRootfs(stateDir, { commands: ['ls', 'cat'] });
  const { ino, mtimeMs, mode } = await stat(first.path);
  expect(mode & 0o777).toBe(0o755);
  const second = await ensureRootfs(stateDir, { commands: ['ls', 'cat'] });
  expect(second).toEqual(first);
  expect(await stat(second.path)).toMatchObject({ ino, mtimeMs });
});

it('keeps different options apart', async () => {
  const ls = await ensureRootfs(stateDir, { commands: ['ls'] });
  const named = await ensureRootfs(stateDir, { commands: ['ls'], osRelease: { NAME: 'x' } });
  expect(named.path).not.toBe(ls.path);
  expect(await readFile(join(named.path, 'etc/os-release'), 'utf8')).toContain('NAME="x"');
});

it('lets several build at once: one tree, nothing half-built beside it', async () => {
  const all = await Promise.all([1, 2, 3].map(() => ensureRootfs(stateDir, { commands: ['ls'] })));
  expect(new Set(all.map(({ path }) => path)).size).toBe(1);
  const names = await readdir(join(stateDir, 'rootfs'));
  expect(names.filter((name) => name.startsWith('.building-'))).toEqual([]);
  expect(await trees()).toHaveLength(1);
});

it('builds anew when a host file has changed', async () => {
  const { found } = await locateCommands(['true']);
  const own = join(stateDir, 'own');
  await copyFile(found[0]?.source as string, own);
  process.env.PATH = `${stateDir}:${PATH}`;
  const before = await ensureRootfs(stateDir, { commands: ['own'] });
  await utimes(own, 1, 1);
  const after = await ensureRootfs(stateDir, { commands: ['own'] });
  expect(after.path).not.toBe(before.path);
  expect(await trees()).toHaveLength(2);
});

it('builds anew when the tree has been removed', async () => {
  const { path } = await ensureRootfs(stateDir, { commands: ['ls'] });
  await rm(path, { recursive: true });
  expect(await ensureRootfs(stateDir, { commands: ['ls'] })).toMatchObject({ path });
  expect((await stat(join(path, 'bin/ls'))).isFile()).toBe(true);
});

it('removes what a killed builder left, and no living one’s', async () => {
  const { pid } = spawnSync('true');
  const dead = join(stateDir, 'rootfs', `.building-${pid}-aaaaaa`);
  const alive = join(stateDir, 'rootfs', `.building-${process.pid}-aaaaaa`);
  await mkdir(join(dead, 'tree'), { recursive: true });
  await mkdir(alive);
  await ensureRootfs(stateDir, { commands: ['ls'] });
  const names = await readdir(join(stateDir, 'rootfs'));
  expect(names.filter((name) => name.startsWith('.building-'))).toEqual([
    `.building-${process.pid}-aaaaaa`,
  ]);
});

it('names the state directory that it cannot use, and the record that it cannot read', async () => {
  const file = join(stateDir, 'file');
  await writeFile(file, '');
  await expect(ensureRootfs(file, { commands: ['ls'] })).rejects.toThrow(
    `${file}: no root filesystem from here: ENOTDIR`,
  );
  await ensureRootfs(stateDir, { commands: ['ls'] });
  const names = await readdir(join(stateDir, 'rootfs'));
  const record = join(stateDir, 'rootfs', names.find((name) => name.endsWith('.json')) ?? '');
  await writeFile(record, '{');
  await expect(ensureRootfs(stateDir, { commands: ['ls'] })).rejects.toThrow(
    `${record}: not readable`,
  );
});
