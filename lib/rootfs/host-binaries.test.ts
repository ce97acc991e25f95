import {
  lstat,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { copyRootfs } from './copy-rootfs.ts';
import { sharedObjectsOf } from './dependencies.ts';
import { readExecutable } from './elf.ts';
import { buildRootfs, type RootfsReport } from './host-binaries.ts';
import { locateCommands } from './host-commands.ts';

let directory: string;
let root: string;
let report: RootfsReport;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unboxed-rootfs-'));
  root = join(directory, 'root');
  report = await buildRootfs(root);
});
afterAll(() => rm(directory, { recursive: true }));

describe('buildRootfs', () => {
  it('puts each command into /bin and each object where ldd found it', async () => {
    expect(report.commands).toEqual(expect.arrayContaining(['bash', 'sh', 'ls', 'cat']));
    const { found } = await locateCommands(['ls', 'cat']);
    for (const { name, source } of found) {
      expect(await readFile(join(root, 'bin', name))).toEqual(await readFile(source));
      for (const { path } of await sharedObjectsOf(source)) {
        expect(report.objects).toContain(path);
        expect(await readFile(join(root, path))).toEqual(await readFile(path));
      }
    }
  });

  it('reports the number and size of the files that are there', async () => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    let bytes = 0;
    for (const file of files) bytes += (await stat(join(file.parentPath, file.name))).size;
    expect(report).toMatchObject({ files: files.length, bytes });
  });

  it('makes the directories with their modes, whatever the umask', async () => {
    expect((await stat(join(root, 'tmp'))).mode & 0o7777).toBe(0o1777);
    expect((await stat(join(root, 'etc/passwd'))).mode & 0o7777).toBe(0o644);
    expect(await readdir(root)).toEqual(
      expect.arrayContaining(['bin', 'dev', 'etc', 'proc', 'root', 'sbin', 'sys', 'tmp', 'usr']),
    );
  });

  it('carries no set-user-ID bit out of the host', async () => {
    for (const name of await readdir(join(root, 'bin'))) {
      expect((await stat(join(root, 'bin', name))).mode & 0o6000, name).toBe(0);
    }
  });

  it('calls itself another distribution than the host', async () => {
    const text = await readFile(join(root, 'etc/os-release'), 'utf8');
    expect(text).toContain('NAME="unboxed"\nID=unboxed\n');
    expect(text).toContain(`PRETTY_NAME="unboxed 01 (built from this host's binaries)"\n`);
    const other = join(directory, 'other-release');
    await buildRootfs(other, {
      commands: ['ls'],
      osRelease: { NAME: 'a "b" $c', VERSION_ID: '1' },
    });
    expect(await readFile(join(other, 'etc/os-release'), 'utf8')).toMatch(
      /^NAME="a \\"b\\" \\\$c"\nID=unboxed\n(.*\n)VERSION_ID=1\n$/,
    );
  });

  it('gives the same tree twice', async () => {
    await buildRootfs(join(directory, 'again'));
    expect(await listTree(join(directory, 'again'))).toEqual(await listTree(root));
  });

  it('reports what is absent or a script, and fails where nothing is left', async () => {
    const made = await buildRootfs(join(directory, 'partly'), {
      commands: ['ls', 'no-such', 'ldd'],
    });
    expect(made.commands).toEqual(['ls']);
    expect(made.missing.map(({ name }) => name)).toEqual(['no-such', 'ldd']);
    expect(made.missing[0]?.reason).toBe('not on PATH');
    expect(made.missing[1]?.reason).toMatch(/ldd is a script for \//);
    await expect(buildRootfs(join(directory, 'none'), { commands: ['no-such'] })).rejects.toThrow(
      'no command to build a root filesystem from: no-such: not on PATH; check PATH',
    );
  });

  it('refuses a target that is not empty and a command that is a path', async () => {
    await expect(buildRootfs(root, { commands: ['ls'] })).rejects.toThrow(`${root}: is not empty`);
    await expect(buildRootfs(join(directory, 'path'), { commands: ['../ls'] })).rejects.toThrow(
      '"../ls": a command is asked for by its name',
    );
  });

  it('copies a multi-call program once and links its names', async () => {
    const { PATH } = process.env;
    const { found } = await locateCommands(['ls']);
    const tool = found[0]?.source as string;
    for (const name of ['first', 'second']) await symlink(tool, join(directory, name));
    process.env.PATH = `${directory}:${PATH}`;
    try {
      await buildRootfs(join(directory, 'multi'), { commands: ['first', 'second'] });
    } finally {
      process.env.PATH = PATH;
    }
    expect((await lstat(join(directory, 'multi/bin/ls'))).isFile()).toBe(true);
    expect(await readlink(join(directory, 'multi/bin/first'))).toBe('ls');
    expect(await readlink(join(directory, 'multi/bin/second'))).toBe('ls');
  });
});

describe('a built root, entered by chroot', () => {
  const run = (tree: string, ...argv: string[]) => execa('chroot', [tree, ...argv]);

  itNeeds(['root'], 'runs sh and ls, which show the prepared tree alone', async () => {
    const { stdout } = await run(root, '/bin/sh', '-c', 'ls /');
    expect(stdout.split('\n')).toEqual((await readdir(root)).sort());
  });

  itNeeds(['root'], 'shows its own os-release, user and host names', async () => {
    const { stdout } = await run(
      root,
      '/bin/bash',
      '-c',
      '. /etc/os-release; echo $ID; id -un; getent hosts localhost',
    );
    expect(stdout).toMatch(/^unboxed\nroot\n(::1|127\.0\.0\.1)\s+localhost$/);
    expect(await readFile('/etc/os-release', 'utf8')).not.toContain('ID=unboxed\n');
  });

  itNeeds(['root'], 'holds every library that any of its commands asks for', async () => {
    for (const name of report.commands) {
      const path = await realpath(join(root, 'bin', name));
      const { interpreter } = await readExecutable(path);
      if (interpreter === null) continue;
      const listing = await run(root, interpreter, '--list', `/bin/${name}`);
      expect(listing.stdout, name).not.toContain('not found');
      expect(listing.stdout, name).toContain('/lib');
    }
  });

  itNeeds(['root'], 'fails without the loader: the check above can fail', async () => {
    const broken = join(directory, 'broken');
    await copyRootfs(root, broken);
    const { interpreter } = await readExecutable(join(broken, 'bin/ls'));
    await rm(join(broken, interpreter as string));
    await expect(run(broken, '/bin/ls', '/')).rejects.toThrow('No such file or directory');
  });

  itNeeds(
    ['root', 'busybox'],
    'runs a busybox, which needs no object if it is static',
    async () => {
      const tree = join(directory, 'busybox');
      const made = await buildRootfs(tree, { commands: ['busybox'] });
      // Some distributions link their busybox dynamically; then its objects have to be there.
      const { interpreter } = await readExecutable(join(tree, 'bin/busybox'));
      expect(made.objects.length === 0).toBe(interpreter === null);
      const { stdout } = await run(tree, '/bin/busybox', 'ls', '/bin');
      expect(stdout).toBe('busybox');
    },
  );
});

describe('copyRootfs', () => {
  it('copies names, modes, links and contents, and shares no inode', async () => {
    const copy = join(directory, 'copy');
    await copyRootfs(root, copy);
    expect(await listTree(copy)).toEqual(await listTree(root));
    const [original, copied] = await Promise.all(
      [root, copy].map((tree) => stat(join(tree, 'bin/cat'))),
    );
    expect(copied?.ino).not.toBe(original?.ino);
    expect(copied?.nlink).toBe(1);
  });

  it('refuses to write over a tree that is there', async () => {
    await expect(copyRootfs(root, root)).rejects.toThrow('not copied');
    const twice = join(directory, 'twice');
    await copyRootfs(root, twice);
    await expect(copyRootfs(root, twice)).rejects.toThrow(`${root}: not copied to ${twice}`);
  });
});

/** Path, type and mode, and link target or content of everything below `root`. */
async function listTree(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true });
  const lines = names.map(async (name) => {
    const path = join(root, name);
    const { mode } = await lstat(path);
    const type = mode & 0o170000;
    const content =
      type === 0o120000
        ? await readlink(path)
        : type === 0o100000
          ? await readFile(path, 'base64')
          : '';
    return `${name} ${mode.toString(8)} ${content}`;
  });
  return (await Promise.all(lines)).sort();
}
