import { expect, it } from 'vitest';
import { diffRuntimes } from './runtime-diff.ts';

const before = { name: 'lab 01', text: 'one\ntwo\nthree\n' };
const after = { name: 'lab 02', text: 'one\nthree\nfour\n' };

it('marks what went and what came, and keeps the rest', () => {
  expect(diffRuntimes(before, after, false).split('\n')).toEqual([
    '--- lab 01',
    '+++ lab 02',
    '  one',
    '- two',
    '  three',
    '+ four',
  ]);
});

it('is red and green when colour is wanted', () => {
  const text = diffRuntimes(before, after, true);
  expect(text).toContain('\u001b[31m- two\u001b[39m');
  expect(text).toContain('\u001b[32m+ four\u001b[39m');
});

it('says that a runtime which is taken over stays, though all of it is marked', () => {
  const taken = { name: 'lab 03', text: "export { runtime } from '../02-x/runtime.ts';\n" };
  expect(diffRuntimes(before, taken, false)).toMatch(
    /taken over from \.\.\/02-x\/runtime\.ts: .* stays/,
  );
  const join = { name: 'lab 03', text: "export { join } from '../02-x/runtime.ts';\n" };
  expect(diffRuntimes(before, join, false)).toContain('`join` itself is taken over');
});
