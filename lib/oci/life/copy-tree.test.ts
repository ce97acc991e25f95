import {
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
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { kernel } from '../../kernel/call.ts';
import { AT_FDCWD, S_IFIFO } from '../../kernel/constants.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import { copyTree } from './copy-tree.ts';

let base = '';
const at = (path: string) => join(base, path);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'unboxed-copy-'));
  for (const name of ['root/var/deep', 'outside', 'to']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('outside/secret'), 'the host’s');
});

afterEach(() => rmSync(base, { recursive: true }));

describe('what a tmpfs begins with', () => {
  itNeeds(['root'], 'is what was there, with owner, mode and time', () => {
    writeFileSync(at('root/var/deep/file'), 'text', { mode: 0o640 });
    utimesSync(at('root/var/deep/file'), 1, 2);
    kernel.fchownat(AT_FDCWD, at('root/var/deep/file'), 7, 8, 0);
    symlinkSync('/nowhere', at('root/var/link'));
    kernel.mknodat(AT_FDCWD, at('root/var/fifo'), S_IFIFO | 0o600, 0);
    copyTree({ top: at('root'), path: 'var' }, at('to'));
    expect(readFileSync(at('to/deep/file'), 'utf8')).toBe('text');
    const { uid, gid, mode, mtimeMs } = statSync(at('to/deep/file'));
    expect([uid, gid, mode & 0o7777, mtimeMs]).toEqual([7, 8, 0o640, 2000]);
    expect(readlinkSync(at('to/link'))).toBe('/nowhere');
    expect(lstatSync(at('to/fifo')).isFIFO()).toBe(true);
  });

  itNeeds(['root'], 'what if it has become a link to the host? It ends in the root', () => {
    rmSync(at('root/var'), { recursive: true });
    symlinkSync(at('outside'), at('root/var'));
    expect(() => copyTree({ top: at('root'), path: 'var' }, at('to'))).toThrow(/ENOENT/);
  });
});
