import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { changes } from './changes.ts';
import type { OverlayOptions } from './options.ts';
import { provenance, type Row } from './provenance.ts';
import { drawProvenance } from './provenance-text.ts';
import { makeSandbox, type Sandbox, whileMounted } from './stack.fixture.ts';

const root = process.geteuid?.() === 0;
let sandbox: Sandbox;
const at = (path: string) => `${sandbox.directory}/${path}`;

beforeEach(() => {
  if (!root) return;
  sandbox = makeSandbox();
  mkdirSync(at('bottom/dir'), { recursive: true });
  mkdirSync(at('top'), { recursive: true });
  mkdirSync(at('upper'));
  for (const name of ['bottom/a', 'bottom/b', 'bottom/dir/x', 'bottom/dir/y', 'top/a', 'top/c']) {
    writeFileSync(at(name), name);
  }
});
afterEach(() => {
  if (root) sandbox.remove();
});

const TITLES = ['upper', 'top', 'bottom'];
const lowers = () => [at('top'), at('bottom')];
const look = () => provenance({ directories: [at('upper'), ...lowers()] });
const told = () => changes(at('upper'), lowers()).map(({ kind, path }) => `${kind} ${path}`);

function change(work: (merged: string) => void, options: OverlayOptions = {}): void {
  const asked = { redirectDir: 'off', index: false, metacopy: false, ...options } as const;
  whileMounted({ lowers: lowers(), upper: at('upper'), options: asked }, work);
}

itNeeds(
  ['root', 'overlay'],
  'a tree of layers is drawn with what each has to do with a name',
  () => {
    const before = look();
    change((merged) => {
      writeFileSync(`${merged}/b`, 'changed');
      writeFileSync(`${merged}/new`, '');
      rmSync(`${merged}/c`);
      rmSync(`${merged}/dir`, { recursive: true });
      mkdirSync(`${merged}/dir`);
      writeFileSync(`${merged}/dir/y`, 'again');
    });
    expect(drawProvenance(look(), { titles: TITLES, before })).toBe(
      [
        '  merged     upper       top       bottom',
        '  /          merged      merged    merged',
        '  ├─ a       ·           seen      covered',
        '> ├─ b       copied up   ·         covered',
        '> ├─ (c)     whiteout    covered   ·',
        '> ├─ dir/    opaque      ·         covered',
        '> │  ├─ (x)  ·           ·         covered',
        '> │  └─ y    seen        ·         covered',
        '> └─ new     seen        ·         ·',
      ].join('\n'),
    );
  },
);

itNeeds(['root', 'overlay'], 'a directory that was renamed is seen with where it was', () => {
  change((merged) => renameSync(`${merged}/dir`, `${merged}/moved`), { redirectDir: 'on' });
  expect(drawProvenance(look(), { titles: TITLES })).toBe(
    [
      '  merged     upper      top      bottom',
      '  /          merged     merged   merged',
      '  ├─ a       ·          seen     covered',
      '  ├─ b       ·          ·        seen',
      '  ├─ c       ·          seen     ·',
      '  ├─ (dir/)  whiteout   ·        covered',
      '  └─ moved/  from dir   ·        merged',
      '     ├─ x    ·          ·        seen',
      '     └─ y    ·          ·        seen',
    ].join('\n'),
  );
  expect(told()).toEqual(['D /dir', 'A /moved', 'A /moved/x', 'A /moved/y']);
});

itNeeds(['root', 'overlay'], 'what was copied up and is as before is no change', () => {
  change((merged) => {
    chmodSync(`${merged}/dir/x`, 0o600);
    chmodSync(`${merged}/b`, 0o600);
    chmodSync(`${merged}/b`, 0o644);
  });
  expect(told()).toEqual(['C /dir/x']);
});

itNeeds(['root', 'overlay'], 'a file whose metadata alone was copied up has its data below', () => {
  change((merged) => chmodSync(`${merged}/b`, 0o600), { metacopy: true, redirectDir: 'on' });
  expect(changes(at('upper'), lowers())).toEqual([
    { kind: 'C', path: '/b', source: at('upper/b'), data: at('bottom/b') },
  ]);
});

it('of many layers, those that have a part in something are drawn', () => {
  const titles = Array.from({ length: 130 }, (_, i) => (i === 0 ? 'upper' : `layer ${130 - i}`));
  const row = (path: string, layer: number): Row => ({
    path,
    name: path.slice(1) || '/',
    depth: path === '/' ? 0 : 1,
    kind: path === '/' ? 'directory' : 'file',
    visible: true,
    cells: titles.map((_, i) => (path === '/' ? 'merged' : i === layer ? 'seen' : 'absent')),
    from: null,
  });
  expect(drawProvenance([row('/', 0), row('/a', 7), row('/b', 129)], { titles })).toBe(
    [
      '  merged  layer 123   layer 1',
      '  /       merged      merged',
      '  ├─ a    seen        ·',
      '  └─ b    ·           seen',
      '  (and 128 more layers)',
    ].join('\n'),
  );
});
