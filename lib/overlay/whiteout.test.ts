import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getXattr, setXattr } from '../kernel/xattr.ts';
import { itNeeds } from '../observe/it-needs.ts';
import type { Need } from '../observe/needs.ts';
import { OPAQUE_NAME, readAufsName, toAufs, toOverlay, whiteoutName } from './aufs.ts';
import { changes } from './changes.ts';
import { makeSandbox, type Sandbox, whileMounted } from './stack.fixture.ts';
import {
  clearOpaque,
  type Form,
  isOpaque,
  isWhiteout,
  makeOpaque,
  makeWhiteout,
  makeXattrWhiteout,
} from './whiteout.ts';

const root = process.geteuid?.() === 0;
let sandbox: Sandbox;
let [upper, lower] = ['', ''];

beforeEach(() => {
  if (!root) return;
  sandbox = makeSandbox();
  [upper, lower] = [`${sandbox.directory}/upper`, `${sandbox.directory}/lower`];
  mkdirSync(upper);
  mkdirSync(`${lower}/dir/inner`, { recursive: true });
  for (const name of ['a', 'b', 'dir/x', 'dir/y']) writeFileSync(`${lower}/${name}`, name);
});
afterEach(() => {
  if (root) sandbox.remove();
});

/** What the kernel shows of upper over lower. */
const shown = (form: Form): string[] =>
  whileMounted({ lowers: [lower], upper, options: { userxattr: form === 'user' } }, (merged) =>
    readdirSync(merged, { recursive: true, encoding: 'utf8' }).sort(),
  );

/** The sandbox is a tmpfs. */
const NEEDS: Readonly<Record<Form, Need[]>> = {
  trusted: ['root', 'overlay'],
  user: ['root', 'overlay', 'linux-6.6'],
};

describe.each<Form>(['trusted', 'user'])('with %s.overlay attributes', (form) => {
  const others: Form = form === 'user' ? 'trusted' : 'user';

  itNeeds(NEEDS[form], 'a whiteout that is made hides the name from the kernel', () => {
    makeWhiteout(`${upper}/a`, form);
    expect(shown(form)).toEqual(['b', 'dir', 'dir/inner', 'dir/x', 'dir/y']);
    expect(lstatSync(`${upper}/a`)).toMatchObject({ rdev: 0, size: 0 });
    expect(lstatSync(`${upper}/a`).isCharacterDevice()).toBe(true);
    expect(isWhiteout(`${upper}/a`, { form })).toBe(true);
    expect(() => makeWhiteout(`${upper}/a`, form)).toThrow(/EEXIST/);
  });

  itNeeds(
    ['root', 'overlay', 'linux-6.8'],
    'so does one that is an attribute, where the directory says so',
    () => {
      // The kernel looks for them in lower layers: nobody but it writes into an upper.
      const middle = `${sandbox.directory}/middle`;
      mkdirSync(`${middle}/dir`, { recursive: true });
      makeXattrWhiteout(`${middle}/dir/x`, form);
      expect(isWhiteout(`${middle}/dir/x`, { form })).toBe(true);
      expect(isWhiteout(`${middle}/dir/x`, { form: others })).toBe(false);
      expect(isOpaque(`${middle}/dir`)).toBe(false);
      const options = { userxattr: form === 'user' };
      whileMounted({ lowers: [middle, lower], upper, options }, (merged) => {
        expect(readdirSync(`${merged}/dir`).sort()).toEqual(['inner', 'y']);
      });
    },
  );

  itNeeds(NEEDS[form], 'none is made where all is hidden, and it would be listed', () => {
    mkdirSync(`${upper}/dir`);
    makeOpaque(`${upper}/dir`, form);
    makeWhiteout(`${upper}/dir/y`, form);
    expect(shown(form)).toEqual(['a', 'b', 'dir']);
  });

  itNeeds(NEEDS[form], 'an opaque directory hides what is below it', () => {
    mkdirSync(`${upper}/dir`);
    writeFileSync(`${upper}/dir/new`, '');
    makeOpaque(`${upper}/dir`, form);
    expect(shown(form)).toEqual(['a', 'b', 'dir', 'dir/new']);
    expect([isOpaque(`${upper}/dir`, form), isOpaque(`${upper}/dir`, others)]).toEqual([
      true,
      false,
    ]);
    clearOpaque(`${upper}/dir`, form);
    expect(shown(form)).toContain('dir/x');
  });

  itNeeds(NEEDS[form], 'the kernel’s own marks are read', () => {
    const options = { userxattr: form === 'user' };
    whileMounted({ lowers: [lower], upper, options }, (merged) => {
      rmSync(`${merged}/a`);
      rmSync(`${merged}/dir`, { recursive: true });
      mkdirSync(`${merged}/dir`);
      writeFileSync(`${merged}/b`, 'changed');
    });
    expect(['a', 'b', 'dir'].map((name) => isWhiteout(`${upper}/${name}`, { form }))).toEqual([
      true,
      false,
      false,
    ]);
    expect(isOpaque(`${upper}/dir`, form)).toBe(true);
    expect(changes(upper, [lower], { form }).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'D /a',
      'C /b',
      'C /dir',
      'D /dir/inner',
      'D /dir/x',
      'D /dir/y',
    ]);
  });

  itNeeds(NEEDS[form], 'AUFS names in a layer become marks of an overlay, and back', () => {
    mkdirSync(`${upper}/dir/inner`, { recursive: true });
    writeFileSync(`${lower}/dir/inner/old`, '');
    const names = ['.wh.a', 'dir/.wh.x', `dir/inner/${OPAQUE_NAME}`, 'dir/inner/new'];
    for (const name of [...names, '.wh..wh.plnk']) writeFileSync(`${upper}/${name}`, '');
    toOverlay(upper, form);
    expect(readdirSync(upper).sort()).toEqual(['a', 'dir']);
    expect(isOpaque(`${upper}/dir/inner`, form)).toBe(true);
    expect(shown(form)).toEqual(['b', 'dir', 'dir/inner', 'dir/inner/new', 'dir/y']);
    toAufs(upper, form);
    expect(readdirSync(upper, { recursive: true, encoding: 'utf8' }).sort()).toEqual(
      [...names, 'dir', 'dir/inner'].sort(),
    );
    expect(isOpaque(`${upper}/dir/inner`)).toBe(false);
  });
});

itNeeds(['root', 'overlay'], 'a name that the layer has again is not lost to its whiteout', () => {
  writeFileSync(`${upper}/.wh.a`, '');
  writeFileSync(`${upper}/a`, 'again');
  toOverlay(upper, 'trusted');
  expect(isWhiteout(`${upper}/a`)).toBe(false);
});

itNeeds(
  ['root', 'linux-6.6'],
  'an attribute longer than usual is read whole, one that is not there is null',
  () => {
    setXattr(upper, 'user.long', 'x'.repeat(3000));
    expect(getXattr(upper, 'user.long')).toHaveLength(3000);
    expect(getXattr(upper, 'user.short')).toBeNull();
    expect(existsSync(upper)).toBe(true);
  },
);

describe('AUFS names', () => {
  it('are told apart', () => {
    expect(readAufsName('etc/.wh.hosts')).toEqual({ kind: 'whiteout', hides: 'hosts' });
    expect(readAufsName('etc/.wh..wh..opq')).toEqual({ kind: 'opaque' });
    expect(readAufsName('.wh..wh.aufs')).toEqual({ kind: 'ignored' });
    expect(readAufsName('etc/hosts')).toEqual({ kind: 'plain' });
    expect(readAufsName('.wh.hosts/inner')).toEqual({ kind: 'plain' });
  });
  it('that would hide the directory itself are refused', () => {
    for (const name of ['.wh.', '.wh..', 'a/.wh...']) {
      expect(() => readAufsName(name)).toThrow(/damaged/);
    }
  });
  it('have no name for a name that is one of them', () => {
    expect(whiteoutName('a')).toBe('.wh.a');
    for (const name of ['.wh.a', '', 'a/b'])
      expect(() => whiteoutName(name)).toThrow(/not a plain/);
  });
});
