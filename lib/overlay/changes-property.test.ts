/**
 * Random sequences of file operations through a real overlay: what `layerEntries` tells of the upper
 * directory, done again on a fresh upper over the same lowers, must give the same tree; and what is
 * worked out from the layers as seen must be what the kernel shows. UNBOXED_SEED
 * begins elsewhere, UNBOXED_SEQUENCES makes them more or fewer.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { layerEntries } from './changes.ts';
import { provenance } from './provenance.ts';
import { redo } from './redo.fixture.ts';
import { makeSandbox, makeStack, whileMounted } from './stack.fixture.ts';
import { differences, readTree } from './tree.fixture.ts';

const FIRST = Number(process.env.UNBOXED_SEED ?? 1);
const COUNT = Number(process.env.UNBOXED_SEQUENCES ?? 1000);

function tryOne(directory: string, seed: number): string[] {
  mkdirSync(directory);
  const { lowers, upper, options, log } = makeStack(directory, seed);
  const expected = whileMounted({ lowers, upper, options }, readTree);
  const list = layerEntries(upper, lowers, { form: 'trusted' });
  const found = whileMounted({ lowers, upper: `${directory}/again`, options }, (merged) => {
    redo(list, merged);
    return readTree(merged);
  });
  const rows = provenance({ directories: [upper, ...lowers], form: 'trusted' });
  const seen = rows.flatMap(({ visible, path }) => (visible ? [path.replace(/^\/$/, '')] : []));
  const wrong = differences(expected, found);
  for (const path of new Set([...expected.keys(), ...seen])) {
    if (expected.has(path) !== seen.includes(path)) wrong.push(`${path}: seen by one alone`);
  }
  rmSync(directory, { recursive: true });
  const told = list.map(({ kind, path }) => `${kind} ${path}`);
  return wrong.length === 0 ? [] : [...log, ...told, ...wrong];
}

itNeeds(['root', 'overlay'], 'what is told of an upper directory makes the same tree again', () => {
  const sandbox = makeSandbox();
  try {
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const wrong = tryOne(`${sandbox.directory}/${seed}`, seed);
      expect(wrong.join('\n'), `seed ${seed}: UNBOXED_SEED=${seed} UNBOXED_SEQUENCES=1`).toBe('');
    }
  } finally {
    sandbox.remove();
  }
});
