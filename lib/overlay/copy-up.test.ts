/** What the kernel does that the room and the labs build on, asked of a real overlay. */
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import type { OverlayOptions } from './options.ts';
import { isOnOverlay } from './place.ts';
import { makeLayers, plainOptions, planLayers } from './plan.ts';
import { makeSandbox, type Sandbox, whileMounted } from './stack.fixture.ts';
import { isWhiteout, readOverlayXattr } from './whiteout.ts';

const root = process.geteuid?.() === 0;
let sandbox: Sandbox;
const at = (path: string) => `${sandbox.directory}/${path}`;

beforeEach(() => {
  if (!root) return;
  sandbox = makeSandbox();
  mkdirSync(at('lower/dir'), { recursive: true });
  for (const name of ['a', 'dir/old']) writeFileSync(at(`lower/${name}`), 'below');
  linkSync(at('lower/a'), at('lower/b'));
});
afterEach(() => {
  if (root) sandbox.remove();
});

const mounted = (options: OverlayOptions, use: (merged: string) => void) =>
  whileMounted({ lowers: [at('lower')], upper: at('upper'), options }, use);

describe('copy-up', () => {
  itNeeds(['root', 'overlay'], 'does not come with reading', () => {
    mounted(plainOptions('trusted'), (merged) => {
      readFileSync(`${merged}/a`);
      readdirSync(`${merged}/dir`);
      expect(readdirSync(at('upper'))).toEqual([]);
    });
  });

  itNeeds(['root', 'overlay'], 'makes two files of two names, but for index=on', () => {
    const plain = plainOptions('trusted');
    mounted(plain, (merged) => {
      writeFileSync(`${merged}/a`, 'written');
      expect(readFileSync(`${merged}/b`, 'utf8')).toBe('below');
    });
    sandbox.remove();
    sandbox = makeSandbox();
    mkdirSync(at('lower'));
    writeFileSync(at('lower/a'), 'below');
    linkSync(at('lower/a'), at('lower/b'));
    mounted({ ...plain, index: true }, (merged) => {
      writeFileSync(`${merged}/a`, 'written');
      expect(readFileSync(`${merged}/b`, 'utf8')).toBe('written');
      expect(readdirSync(at('upper'))).toEqual(['a']);
    });
  });

  itNeeds(['root', 'overlay'], 'turns a file that is open for reading to the copy', () => {
    mounted(plainOptions('trusted'), (merged) => {
      const reader = openSync(`${merged}/a`, 'r');
      try {
        writeFileSync(`${merged}/a`, 'written');
        expect(readFileSync(reader, 'utf8')).toBe('written');
      } finally {
        closeSync(reader);
      }
    });
  });

  itNeeds(['root', 'overlay'], 'of a mode takes the data along, but for metacopy=on', () => {
    const blocks = () => statSync(at('upper/a')).blocks;
    writeFileSync(at('lower/a'), 'x'.repeat(1 << 20));
    mounted({ ...plainOptions('trusted'), metacopy: true, redirectDir: 'on' }, (merged) => {
      chmodSync(`${merged}/a`, 0o600);
      expect(blocks()).toBe(0);
      writeFileSync(`${merged}/a`, 'y', { flag: 'a' });
      expect(blocks()).toBeGreaterThan(2000);
    });
  });
});

describe('renaming a directory from below', () => {
  itNeeds(['root', 'overlay'], 'is refused as between two disks', () => {
    mounted(plainOptions('trusted'), (merged) => {
      expect(() => renameSync(`${merged}/dir`, `${merged}/new`)).toThrow(/EXDEV/);
    });
  });

  itNeeds(['root', 'overlay'], 'with redirect_dir=on leaves a redirect and a whiteout', () => {
    mounted({ ...plainOptions('trusted'), redirectDir: 'on' }, (merged) => {
      renameSync(`${merged}/dir`, `${merged}/new`);
      expect(readFileSync(`${merged}/new/old`, 'utf8')).toBe('below');
    });
    expect(readOverlayXattr(at('upper/new'), 'redirect')?.toString()).toBe('dir');
    expect(isWhiteout(at('upper/dir'))).toBe(true);
    expect(readdirSync(at('upper/new'))).toEqual([]);
  });
});

itNeeds(['root', 'overlay'], 'a place on an overlay is told from one that is not', () => {
  expect(isOnOverlay(sandbox.directory)).toBe(false);
  mounted({}, (merged) => expect(isOnOverlay(merged)).toBe(true));
});

it('a plan names three directories, and an action that makes and removes them', () => {
  const plan = planLayers('/layers/1', ['/top', '/bottom'], 'user');
  expect(plan).toMatchObject({
    lowers: ['/top', '/bottom'],
    upper: '/layers/1/upper',
    work: '/layers/1/work',
    merged: '/layers/1/merged',
    options: { userxattr: true },
  });
  expect(makeLayers(plan)).toMatchObject({
    name: 'layers /layers/1',
    undoes: [{ do: 'remove', path: '/layers/1' }],
    seen: { path: '/layers/1' },
  });
});
