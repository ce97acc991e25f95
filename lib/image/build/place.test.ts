import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { getXattr, listXattrs, setXattr } from '../../kernel/xattr.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import { aclFor } from '../../overlay/acl.fixture.ts';
import { IGNORES_NOTHING, parseDockerignore } from './dockerignore.ts';
import { type Placing, placeItems } from './place.ts';
import { type Origin, selectItems } from './selection.ts';
import { digestItems } from './selection-digest.ts';

let top: string;
let root: string;
let origin: Origin;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'unboxed-copy-'));
  root = join(top, 'root');
  mkdirSync(root);
  mkdirSync(join(top, 'context'));
  origin = { root: join(top, 'context'), ignore: IGNORES_NOTHING, what: 'the build context' };
});
afterEach(() => rmSync(top, { recursive: true }));

function put(path: string, text: string, mode = 0o644): string {
  const file = join(origin.root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return file;
}

const placing = (destination: string, options: Partial<Placing> = {}): Placing => ({
  destination,
  owner: null,
  mode: null,
  ...options,
});

function copy(sources: string[], destination: string, options: Partial<Placing> = {}): void {
  const items = selectItems(origin, sources, destination);
  placeItems(root, items, placing(destination, options));
}

/** As find(1) sees it: kind, mode, path. */
const listing = (directory = root) =>
  execFileSync('find', ['.', '-mindepth', '1', '-printf', '%y %m %P\n'], { cwd: directory })
    .toString()
    .trim()
    .split('\n')
    .sort((a, b) => ((a.split(' ')[2] ?? '') < (b.split(' ')[2] ?? '') ? -1 : 1));

it('a file becomes the destination, or goes into it when that is a directory', () => {
  put('a', 'one', 0o750);
  copy(['a'], '/x/b');
  copy(['a'], '/y/');
  mkdirSync(join(root, 'z'));
  copy(['a'], '/z');
  expect(listing()).toEqual([
    'd 755 x',
    'f 750 x/b',
    'd 755 y',
    'f 750 y/a',
    expect.stringMatching(/^d \d+ z$/),
    'f 750 z/a',
  ]);
});

it('a directory stands for what is in it; modes, links and times come along', () => {
  put('d/sub/file', 'text');
  utimesSync(join(origin.root, 'd/sub/file'), 5, 1234.5);
  symlinkSync('/anywhere', join(origin.root, 'd/link'));
  chmodSync(join(origin.root, 'd/sub'), 0o2711);
  utimesSync(join(origin.root, 'd/sub'), 5, 99);
  copy(['d'], '/to');
  expect(listing()).toEqual(['d 755 to', 'l 777 to/link', 'd 2711 to/sub', 'f 644 to/sub/file']);
  expect(readlinkSync(join(root, 'to/link'))).toBe('/anywhere');
  expect(statSync(join(root, 'to/sub/file')).mtimeMs).toBe(1_234_500);
  expect(statSync(join(root, 'to/sub')).mtimeMs).toBe(99_000);
});

it('two names of one file stay that', () => {
  linkSync(put('d/a', 'x'), join(origin.root, 'd/b'));
  copy(['d'], '/to');
  expect(statSync(join(root, 'to/a')).ino).toBe(statSync(join(root, 'to/b')).ino);
});

it('patterns, and .dockerignore, decide what is taken', () => {
  for (const path of ['a.ts', 'b.ts', 'c.md', 'src/d.ts', 'src/e.md', 'src/deep/f.md'])
    put(path, '');
  copy(['*.ts', 'src/*.ts'], '/one/');
  origin = { ...origin, ignore: parseDockerignore('**/*.md\n!src/deep\nb.ts') };
  copy(['.'], '/two/');
  expect(listing().filter((line) => line.startsWith('f'))).toEqual(
    ['one/a.ts', 'one/b.ts', 'one/d.ts', 'two/a.ts', 'two/src/d.ts', 'two/src/deep/f.md'].map(
      (path) => `f 644 ${path}`,
    ),
  );
  expect(() => copy(['b.ts'], '/x')).toThrow('or rather .dockerignore keeps it out');
  expect(() => copy(['*.c'], '/x')).toThrow('*.c is not in the build context');
  expect(() => copy(['a.ts', 'src'], '/x')).toThrow('end it with a slash');
});

it('sources do not leave the context', () => {
  writeFileSync(join(top, 'secret'), 'secret');
  symlinkSync(join(top, 'secret'), join(origin.root, 'link'));
  for (const source of ['../secret', '/../secret', 'link', '../*']) {
    expect(() => copy([source], '/x/')).toThrow('is not in the build context');
  }
});

it('what is there is replaced, and never written through', () => {
  const victim = join(top, 'victim');
  writeFileSync(victim, 'safe');
  put('a', 'new');
  symlinkSync(victim, join(root, 'a'));
  mkdirSync(join(root, 'usr'));
  symlinkSync('/usr', join(root, 'lib'));
  copy(['a'], '/a');
  copy(['a'], '/lib/x/a');
  expect(readFileSync(victim, 'utf8')).toBe('safe');
  expect(lstatSync(join(root, 'a')).isFile()).toBe(true);
  expect(readFileSync(join(root, 'usr/x/a'), 'utf8')).toBe('new');
});

it('a file and a directory do not replace each other', () => {
  put('d/a/b', '');
  put('f', '');
  writeFileSync(join(root, 'a'), '');
  expect(() => copy(['d'], '/')).toThrow('/a: is no directory in the image');
  mkdirSync(join(root, 'x/f'), { recursive: true });
  expect(() => copy(['f'], '/x/')).toThrow('/x/f: is a directory in the image');
});

it('a name that would be a whiteout is refused', () => {
  put('d/.wh.gone', '');
  expect(() => copy(['d'], '/x/')).toThrow('.wh.gone');
});

itNeeds(['root'], 'owner and mode are those that were asked for, of new directories too', () => {
  put('d/tool', '', 0o600);
  copy(['d'], '/opt/', { owner: { uid: 12, gid: 34 }, mode: 0o4755 });
  const owner = (path: string) => {
    const { uid, gid, mode } = statSync(join(root, path));
    return [uid, gid, (mode & 0o7777).toString(8)];
  };
  expect(owner('opt/tool')).toEqual([12, 34, '4755']);
  expect(owner('opt')).toEqual([12, 34, '755']);
});

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

itNeeds(['root'], 'capabilities, ACLs and a user’s own attributes come along', () => {
  const tool = put('d/tool', 'x', 0o755);
  setXattr(tool, 'user.note', 'a');
  setXattr(tool, 'security.capability', CAPABILITY);
  setXattr(put('d/data', 'x'), 'system.posix_acl_access', aclFor(7));
  setXattr(join(origin.root, 'd'), 'user.of', 'd');
  put('d/inner/file', 'x');
  setXattr(join(origin.root, 'd/inner'), 'system.posix_acl_default', aclFor(8));
  copy(['d'], '/to', { owner: { uid: 5, gid: 5 } });
  const at = (name: string) => join(root, 'to', name);
  expect(getXattr(at('tool'), 'security.capability')).toEqual(CAPABILITY);
  expect(getXattr(at('tool'), 'user.note')?.toString()).toBe('a');
  expect(getXattr(at('data'), 'system.posix_acl_access')).toEqual(aclFor(7));
  expect(getXattr(at('inner'), 'system.posix_acl_default')).toEqual(aclFor(8));
  expect(listXattrs(at('inner/file'))).toEqual([]);
  copy(['d/data'], '/other', { mode: 0o600 });
  expect(statSync(join(root, 'other')).mode & 0o7777).toBe(0o600);
});

it('the digest sees contents, names, modes and targets, and no times', async () => {
  put('d/a', 'one');
  symlinkSync('x', join(origin.root, 'd/l'));
  const digest = (options: Partial<Placing> = {}) =>
    digestItems(selectItems(origin, ['d'], '/x/'), placing('/x/', options));
  const first = await digest();
  utimesSync(join(origin.root, 'd/a'), 1, 1);
  expect(await digest()).toBe(first);
  const seen = [first, await digest({ mode: 0o700 }), await digest({ owner: { uid: 1, gid: 1 } })];
  put('d/a', 'two');
  seen.push(await digest());
  chmodSync(join(origin.root, 'd/a'), 0o600);
  seen.push(await digest());
  rmSync(join(origin.root, 'd/l'));
  symlinkSync('y', join(origin.root, 'd/l'));
  seen.push(await digest());
  put('d/b', '');
  seen.push(await digest());
  setXattr(join(origin.root, 'd/b'), 'user.note', 'a');
  seen.push(await digest());
  expect(new Set(seen).size).toBe(seen.length);
});
