import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CAPABILITIES } from './capabilities.ts';

const HEADER = '/usr/include/linux/capability.h';

it('names and numbers are those of the C header', (context) => {
  if (!existsSync(HEADER)) context.skip(`${HEADER} is not there`);
  const text = readFileSync(HEADER, 'utf8');
  const named = [...text.matchAll(/^#define (CAP_[A-Z_]+)\s+(\d+)\s*$/gm)];
  expect(named.length).toBeGreaterThan(35);
  for (const [, name, number] of named) expect(CAPABILITIES[Number(number)]).toBe(name);
});
