/**
 * The initial RAM disk of the test guests: busybox, the kernel modules between a virtio disk and an
 * ext4 root in the order in which they load, and the guest's two scripts.
 *
 * Kernel Documentation/driver-api/early-userspace, Documentation/kbuild/modules.rst (modules.dep)
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { cached, inputHash } from '../cache.ts';

const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_console', 'crc32c_generic', 'ext4'];
const HERE = import.meta.dirname;

export interface InitrdSource {
  /** A directory with lib/modules/VERSION and bin/busybox. */
  boot: string;
  kernelVersion: string;
  /** Of the root image that both come from. */
  id: string;
}

/** The path of the initial RAM disk, from the cache where it is there. */
export async function ensureInitrd({ boot, kernelVersion, id }: InitrdSource): Promise<string> {
  const scripts = await Promise.all(['init.sh', 'guest.sh', 'initrd.ts'].map(readHere));
  return cached(`initrd-${inputHash([id, ...scripts])}.cpio`, async (path) => {
    const directory = await mkdtemp(join(tmpdir(), 'unboxed-initrd-'));
    try {
      for (const name of ['bin', 'dev', 'modules', 'root']) await mkdir(join(directory, name));
      await cp(join(boot, 'bin/busybox'), join(directory, 'bin/busybox'));
      await cp(join(HERE, 'init.sh'), join(directory, 'init'));
      await cp(join(HERE, 'guest.sh'), join(directory, 'guest.sh'));
      await execa('chmod', ['755', 'init', 'guest.sh', 'bin/busybox'], { cwd: directory });
      const modules = join(boot, 'lib/modules', kernelVersion);
      const dependencies = await readFile(join(modules, 'modules.dep'), 'utf8');
      const files = loadingOrder(dependencies, MODULES);
      for (const file of files) {
        await cp(join(modules, file), join(directory, 'modules', basename(file)));
      }
      const order = files.map((file) => `${basename(file)}\n`).join('');
      await writeFile(join(directory, 'modules/order'), order);
      const names = await readdir(directory, { recursive: true });
      await execa('cpio', ['--create', '--format=newc', '--quiet', '--owner=0:0', '-F', path], {
        cwd: directory,
        input: ['.', ...names.sort()].join('\n'),
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

const readHere = (name: string) => readFile(join(HERE, name), 'utf8');

/** Module files, each after those that it depends on; a module that is built in is not listed. */
export function loadingOrder(modulesDep: string, wanted: readonly string[]): string[] {
  const rows = modulesDep.split('\n').filter((line) => line.includes(':'));
  const parsed = rows.map((row) => {
    const [file = '', rest = ''] = row.split(':');
    return { file, needs: rest.split(' ').filter(Boolean) };
  });
  const order: string[] = [];
  for (const name of wanted) {
    const row = parsed.find(({ file }) => moduleName(file) === name);
    if (!row) continue;
    // depmod lists the nearest dependency first, so the last one loads first.
    for (const file of [...row.needs].reverse()) if (!order.includes(file)) order.push(file);
    if (!order.includes(row.file)) order.push(row.file);
  }
  return order;
}

/** The kernel takes `-` and `_` in a module's name for the same. */
const moduleName = (file: string) =>
  basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
