/**
 * A Vagrant box: a tar archive of a disk and of what a provider wants to know about it.
 *
 *     CACHE/box-ARCH-PROVIDER-ID/unboxed-ARCH-PROVIDER.box
 *                                box.json                   the rest of what `Box` says
 *
 * https://developer.hashicorp.com/vagrant/docs/boxes/format
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheDirectory, cached, inputHash } from '../cache.ts';
import type { Arch, Say } from './arch.ts';
import { SOURCE_DATE_EPOCH } from './debian.ts';
import { writeDisk } from './disk.ts';
import { libvirtParts } from './libvirt-box.ts';
import { ensureRootImage, type RootImage, rootImageId } from './root-image.ts';
import { runTool } from './run-tool.ts';
import { requireTools } from './tools.ts';
import { virtualboxParts } from './virtualbox-box.ts';

export type Provider = 'libvirt' | 'virtualbox';

export interface Box {
  path: string;
  bytes: number;
  /** Of the box file. */
  sha256: string;
  /** SHA-256 of what is in the guest's root filesystem: the same for every provider. */
  contents: string;
  id: string;
}

/** Writes the files of a box, made from the raw disk, into `directory`; resolves to their names. */
export type BoxParts = (
  disk: string,
  directory: string,
  arch: Arch,
  signal?: AbortSignal,
) => Promise<string[]>;

const PARTS: Record<Provider, BoxParts> = { libvirt: libvirtParts, virtualbox: virtualboxParts };

/** The files that a provider's box is made by. */
const MADE_BY = ['box', 'disk', 'gpt', 'grub-boot', 'partition-table'];

/** Finds the box or builds it and what it is made of. Throws ImageError. */
export async function ensureBox(
  arch: Arch,
  provider: Provider,
  say: Say,
  signal?: AbortSignal,
): Promise<Box> {
  const id = await boxId(arch, provider);
  const directory = await cached(`box-${arch}-${provider}-${id}`, async (path) => {
    requireTools(['qemu-img', 'tar']);
    const image = await ensureRootImage({ arch }, say, signal);
    say(`the box for ${provider}`);
    await buildBox(path, { arch, provider, image, signal });
  });
  return read(directory, id);
}

/** The box, if it has been built from what the checkout holds now. */
export async function builtBox(arch: Arch, provider: Provider): Promise<Box | null> {
  const id = await boxId(arch, provider);
  const directory = join(cacheDirectory(), `box-${arch}-${provider}-${id}`);
  return existsSync(directory) ? read(directory, id) : null;
}

async function read(directory: string, id: string): Promise<Box> {
  const { name, ...box } = JSON.parse(await readFile(join(directory, 'box.json'), 'utf8'));
  return { path: join(directory, name), ...box, id };
}

async function boxId(arch: Arch, provider: Provider): Promise<string> {
  const files = [...MADE_BY, `${provider}-box`].map(
    (name) => new URL(`${name}.ts`, import.meta.url),
  );
  const texts = await Promise.all(files.map((file) => readFile(file)));
  return inputHash([await rootImageId({ arch }), ...texts]);
}

async function buildBox(
  path: string,
  build: { arch: Arch; provider: Provider; image: RootImage; signal: AbortSignal | undefined },
): Promise<void> {
  const { arch, provider, image, signal } = build;
  const parts = join(path, 'parts');
  const disk = join(path, 'disk.raw');
  const name = `unboxed-${arch}-${provider}.box`;
  await mkdir(parts, { recursive: true });
  await writeDisk(arch, image, disk, signal);
  const names = await PARTS[provider](disk, parts, arch, signal);
  await rm(disk);
  const same = [`--mtime=@${SOURCE_DATE_EPOCH}`, '--owner=0', '--group=0', '--mode=u=rw,go=r'];
  // Not compressed once more: the disk is.
  await runTool(
    'tar',
    ['--create', '--numeric-owner', ...same, '-C', parts, '-f', join(path, name), ...names],
    { signal },
  );
  await rm(parts, { recursive: true });
  const { size } = await stat(join(path, name));
  const box = {
    name,
    bytes: size,
    sha256: await sha256(join(path, name)),
    contents: image.contents,
  };
  await writeFile(join(path, 'box.json'), `${JSON.stringify(box)}\n`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
