import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { removeTree } from './remove-tree.ts';

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'unboxed-test-'));
});

afterEach(() => removeTree(place));

const MODULE = fileURLToPath(new URL('remove-tree.ts', import.meta.url));

/** In a mount namespace of its own: `script` in a shell, then removeTree(tree). Its last word. */
function removeAfter(script: string, tree: string): string {
  const program = `import { removeTree } from ${JSON.stringify(MODULE)};
    try { removeTree(process.argv[1]); console.log('removed'); }
    catch (error) { console.log(error.name + ': ' + error.message); }`;
  const line = `${script} && exec "$0" --input-type=module -e "$1" "$2"`;
  const shell = ['sh', '-ec', line, process.execPath, program, tree];
  return execFileSync('unshare', ['-m', '--propagation', 'private', ...shell], {
    cwd: place,
    encoding: 'utf8',
  }).trim();
}

function makePlace(): void {
  mkdirSync(join(place, 'foreign'));
  writeFileSync(join(place, 'foreign', 'precious'), 'gold');
  mkdirSync(join(place, 'tree', 'inner'), { recursive: true });
  writeFileSync(join(place, 'tree', 'file'), '');
}

const precious = () => readFileSync(join(place, 'foreign', 'precious'), 'utf8');

itNeeds(['linux'], 'links are removed and not followed', () => {
  makePlace();
  symlinkSync(join(place, 'foreign'), join(place, 'tree', 'inner', 'link'));
  symlinkSync(join(place, 'foreign'), join(place, 'top'));
  removeTree(join(place, 'tree'));
  removeTree(join(place, 'top'));
  expect(readdirSync(place)).toEqual(['foreign']);
  expect(precious()).toBe('gold');
});

itNeeds(['linux'], 'a file name that is not UTF-8 is removed', () => {
  makePlace();
  const name = Buffer.concat([Buffer.from(`${place}/tree/`), Buffer.of(0xff, 0xfe)]);
  writeFileSync(name, '');
  removeTree(join(place, 'tree'));
  expect(existsSync(join(place, 'tree'))).toBe(false);
});

itNeeds(['linux'], 'what is not there is fine, also when its parent is not', () => {
  removeTree(join(place, 'nothing'));
  removeTree(join(place, 'nothing', 'below'));
});

itNeeds(['root', 'unshare'], 'a bind mount of the same file system is never entered', () => {
  makePlace();
  const said = removeAfter('mount --bind foreign tree/inner', join(place, 'tree'));
  expect(said).toMatch(
    /^HostError: .*tree is not removed: mounted there is .*tree\/inner; unmount/,
  );
  expect(precious()).toBe('gold');
  expect(existsSync(join(place, 'tree', 'file'))).toBe(true);
});

itNeeds(['root', 'unshare'], 'a tree that is itself a mount is not emptied', () => {
  makePlace();
  const said = removeAfter('mount --bind foreign tree', join(place, 'tree'));
  expect(said).toContain('is not removed');
  expect(precious()).toBe('gold');
});

itNeeds(['root', 'unshare'], 'a file with a mount on it is not removed', () => {
  makePlace();
  const said = removeAfter('mount --bind foreign/precious tree/file', join(place, 'tree'));
  expect(said).toContain('is not removed');
  expect(precious()).toBe('gold');
  expect(existsSync(join(place, 'tree', 'inner'))).toBe(true);
});

itNeeds(['root', 'unshare'], 'a mount that another one hides is in the way as well', () => {
  makePlace();
  const script = 'mount --bind foreign tree/inner && mount -t tmpfs cover tree';
  expect(removeAfter(script, join(place, 'tree'))).toContain('is not removed');
  expect(precious()).toBe('gold');
});
