/**
 * Random sequences of file operations through a real overlay: its upper directory, packed as a layer
 * and unpacked over the same lowers, must show the same tree, in content, modes, owners, times,
 * attributes and hard links. UNBOXED_SEED begins elsewhere, UNBOXED_SEQUENCES makes them more or fewer.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { makeSandbox, makeStack, whileMounted, whileReadOnly } from '../overlay/stack.fixture.ts';
import { differences, readTree } from '../overlay/tree.fixture.ts';
import { packLayer } from './pack-layer.ts';
import { unpackLayer } from './unpack-layer.ts';

const FIRST = Number(process.env.UNBOXED_SEED ?? 1);
const COUNT = Number(process.env.UNBOXED_SEQUENCES ?? 1000);

/** Empty, or all that is needed to see why not. */
async function tryOne(directory: string, seed: number): Promise<string[]> {
  mkdirSync(directory);
  const { lowers, upper, options, log } = makeStack(directory, seed, true);
  const expected = whileMounted({ lowers, upper, options }, readTree);
  const layer = `${directory}/layer`;
  mkdirSync(layer);
  const { omitted } = await unpackLayer(packLayer(upper), layer, { lowers });
  const found = whileReadOnly([layer, ...lowers], readTree);
  const wrong = [...differences(expected, found), ...omitted];
  rmSync(directory, { recursive: true });
  return wrong.length === 0 ? [] : [...log, ...wrong];
}

itNeeds(
  ['root', 'overlay'],
  'a layer of an upper directory shows what the overlay showed',
  async () => {
    const sandbox = makeSandbox();
    try {
      for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
        const wrong = await tryOne(`${sandbox.directory}/${seed}`, seed);
        expect(wrong.join('\n'), `seed ${seed}: UNBOXED_SEED=${seed} UNBOXED_SEQUENCES=1`).toBe('');
      }
    } finally {
      sandbox.remove();
    }
  },
);
