import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { formatResult, formatTable, total } from './table.ts';

const result = (test: string, passed: number, failed = 0, reasons: string[] = []) => {
  const skipped = reasons.filter((reason) => reason.startsWith('skipped')).length;
  return { test, passed, failed, skipped, reasons, seconds: 1.25 };
};

it('the table has a row for each test, a column for each machine and the reasons below', () => {
  const why = 'skipped: a claim: memory is in the version 2 tree';
  const table = formatTable(
    new Map([
      ['v1', [result('lib/a.test.ts', 3), result('lab 01', 8)]],
      ['v2', [result('lib/a.test.ts', 1, 1, ['failed: another claim', why])]],
    ]),
  );
  expect(table.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
    'test | v1 | v2',
    'lib/a.test.ts | 3 passed | 1 passed, 1 failed, 1 skipped',
    'lab 01 | 8 passed | not run',
    'all | 11 passed | 1 passed, 1 failed, 1 skipped',
    'v2 | lib/a.test.ts: failed: another claim',
    `v2 | lib/a.test.ts: ${why}`,
  ]);
});

it('one result says what failed, and not what was skipped', () => {
  const text = formatResult('v1', result('lab 02', 4, 1, ['failed: a claim', 'skipped: b']));
  expect(stripVTControlCharacters(text).split('\n')).toEqual([
    'v1 ✗ lab 02  4 passed, 1 failed, 1 skipped (1.3 s)',
    'v1     failed: a claim',
  ]);
});

it('a total of nothing is zero', () => {
  expect(total([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
