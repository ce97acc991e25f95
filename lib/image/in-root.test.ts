import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findInRoot, makeInRoot, nameInRoot, readInRoot } from './in-root.ts';
import { findUser } from './user.ts';

let top: string;
let root: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'unboxed-root-'));
  root = join(top, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(top, 'outside'), 'outside');
});
afterEach(() => rmSync(top, { recursive: true }));

const link = (target: string, path: string) => symlinkSync(target, join(root, path));

it('links lead nowhere but into the root, however they are written', () => {
  writeFileSync(join(root, 'outside'), 'inside');
  link('/outside', 'absolute');
  link('../../../../outside', 'relative');
  link(top, 'host');
  for (const path of ['absolute', 'relative', '../outside', '/../outside']) {
    expect(readInRoot(root, path)).toBe('inside');
  }
  expect(findInRoot(root, 'host')).toBeNull();
});

it('a directory is made where the root’s own links lead', () => {
  mkdirSync(join(root, 'usr/lib'), { recursive: true });
  link('/usr/lib', 'lib');
  const made: string[] = [];
  expect(makeInRoot(root, '/lib/a/b', (path) => made.push(path))).toBe(join(root, 'usr/lib/a/b'));
  expect(made).toEqual([join(root, 'usr/lib/a'), join(root, 'usr/lib/a/b')]);
  expect(statSync(join(root, 'usr/lib/a')).mode & 0o777).toBe(0o755);
});

it('nothing is made outside, through a link that would lead there', () => {
  link(join(top, 'new'), 'out');
  expect(() => makeInRoot(root, 'out/x')).toThrow('/out: is a symbolic link that leads nowhere');
  expect(findInRoot(top, 'new')).toBeNull();
  writeFileSync(join(root, 'file'), '');
  expect(() => makeInRoot(root, 'file/x')).toThrow('/file: is no directory');
});

it('a last name stands as it is', () => {
  link('/etc/none', 'etc/resolv.conf');
  expect(nameInRoot(root, '/etc/resolv.conf')).toBe(join(root, 'etc/resolv.conf'));
  expect(nameInRoot(root, '/none/x')).toBeNull();
});

it('users are those of the root’s files, never the machine’s', () => {
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nann:x:7:8::/home/ann:/bin/sh\n',
  );
  writeFileSync(join(root, 'etc/group'), 'wheel:x:10:root,ann\nstaff:x:20:ann\n');
  expect(findUser(root, 'ann')).toEqual({ uid: 7, gid: 8, groups: [10, 20], home: '/home/ann' });
  expect(findUser(root, 'ann:staff')).toMatchObject({ uid: 7, gid: 20, groups: [] });
  expect(findUser(root, '7')).toMatchObject({ uid: 7, gid: 8 });
  expect(findUser(root, '99')).toMatchObject({ uid: 99, gid: 0, home: '/' });
  expect(findUser(root, '99:98')).toMatchObject({ uid: 99, gid: 98 });
  expect(findUser(root, '')).toMatchObject({ uid: 0, gid: 0, home: '/root' });
  expect(() => findUser(root, 'daemon')).toThrow('has no user daemon in /etc/passwd');
  expect(() => findUser(root, 'ann:none')).toThrow('has no group none');
});
