import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSharedObjects, sharedObjectsOf } from './dependencies.ts';
import { readExecutable } from './elf.ts';
import { RootfsError } from './rootfs-error.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unboxed-dependencies-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('sharedObjectsOf', () => {
  it('lists every path that ldd prints', async () => {
    const { stdout } = await execa('ldd', ['/bin/bash']);
    const printed = stdout.match(/(?<=\s)\/\S+(?= \(0x)/g) ?? [];
    expect(printed.length).toBeGreaterThan(1);
    const objects = await sharedObjectsOf('/bin/bash');
    expect(objects.map(({ path }) => path).sort()).toEqual([...printed].sort());
  });

  it('includes the loader that the kernel will open', async () => {
    const bash = await readExecutable('/bin/bash');
    const objects = await sharedObjectsOf('/bin/bash');
    expect(objects.flatMap(({ name, path }) => [name, path])).toContain(bash.interpreter);
  });

  it('ignores the library path of whoever calls', async () => {
    await writeFile(join(directory, 'libc.so.6'), '');
    const before = await sharedObjectsOf('/bin/bash');
    process.env.LD_LIBRARY_PATH = directory;
    try {
      expect(await sharedObjectsOf('/bin/bash')).toEqual(before);
    } finally {
      delete process.env.LD_LIBRARY_PATH;
    }
  });

  it('refuses a script and names its interpreter', async () => {
    const script = join(directory, 'script');
    await writeFile(script, '#!/usr/bin/env python3\n');
    await expect(sharedObjectsOf(script)).rejects.toThrow(
      `${script}: a script for /usr/bin/env python3, not a binary; copy its interpreter instead`,
    );
  });

  it('refuses a file that is no executable, a cut one and an absent one', async () => {
    const text = join(directory, 'text');
    await writeFile(text, 'plain text\n');
    await expect(sharedObjectsOf(text)).rejects.toThrow('neither an ELF executable nor a script');
    await writeFile(text, '\x7fELF');
    await expect(sharedObjectsOf(text)).rejects.toThrow(RootfsError);
    await expect(sharedObjectsOf(join(directory, 'absent'))).rejects.toThrow(
      'cannot be read: ENOENT',
    );
  });

  it('says what to install where ldd is not there', async () => {
    const { PATH } = process.env;
    process.env.PATH = directory;
    try {
      await expect(sharedObjectsOf('/bin/bash')).rejects.toThrow(/ldd is not there .*libc-bin/);
    } finally {
      process.env.PATH = PATH;
    }
  });
});

// Printed by glibc 2.36's ldd and musl 1.2.3's loader for programs compiled for this purpose.
describe('parseSharedObjects', () => {
  it('reads glibc listings and leaves the vdso out', () => {
    const listing = `	linux-vdso.so.1 (0x00007f2b27378000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2b27012000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f2b2737a000)`;
    expect(parseSharedObjects(listing, 'm')).toEqual([
      { name: 'libc.so.6', path: '/lib/x86_64-linux-gnu/libc.so.6' },
      { name: '/lib64/ld-linux-x86-64.so.2', path: '/lib64/ld-linux-x86-64.so.2' },
    ]);
  });

  it('reads musl listings, where libc is the loader', () => {
    const listing = `	/opt/musl/lib/ld-musl-x86_64.so.1 (0x7fc0edb2e000)
	libf.so => /opt/f/libf.so (0x7fc0edb22000)
	libc.so => /opt/musl/lib/ld-musl-x86_64.so.1 (0x7fc0edb2e000)`;
    expect(parseSharedObjects(listing, 'm')).toEqual([
      { name: '/opt/musl/lib/ld-musl-x86_64.so.1', path: '/opt/musl/lib/ld-musl-x86_64.so.1' },
      { name: 'libf.so', path: '/opt/f/libf.so' },
      { name: 'libc.so', path: '/opt/musl/lib/ld-musl-x86_64.so.1' },
    ]);
  });

  it('names the library that is missing, in either wording', () => {
    const glibc = '	libf.so => not found\n	libc.so.6 => /lib/libc.so.6 (0x00007f3a02f9b000)';
    const musl = `Error loading shared library libf.so: No such file or directory (needed by m2)
Error relocating m2: f: symbol not found`;
    for (const listing of [glibc, musl]) {
      expect(() => parseSharedObjects(listing, '/bin/m2')).toThrow(/^\/bin\/m2: needs libf\.so,/);
    }
  });

  it.each([
    '	not a dynamic executable',
    '	statically linked',
    '/lib/ld-musl-x86_64.so.1: /bin/busybox: Not a valid dynamic program',
  ])('takes "%s" for static', (listing) => {
    expect(parseSharedObjects(listing, 'm')).toBe('static');
  });

  it('refuses a line that it does not understand', () => {
    const listing = "m: /lib/libc.so.6: version `GLIBC_9.9' not found (required by m)";
    expect(() => parseSharedObjects(listing, 'm')).toThrow('not understood');
  });
});
