import { describe, expect, it } from 'vitest';
import { painter } from './render-paint.ts';
import {
  type AttackOutcome,
  allHeld,
  formatAttacks,
  formatFinding,
  formatSummary,
  type Summary,
} from './report.ts';

const style = { paint: painter(false), width: 80 };
const finding = {
  claim: 'its root is the prepared directory',
  held: true,
  expected: 'inode 7',
  seen: 'inode 7',
  where: '/proc/1/root',
};

const outcome = (changes: Partial<AttackOutcome>): AttackOutcome => ({
  name: 'climb',
  title: 'climb out',
  runtime: 'lab 02',
  expected: true,
  succeeded: true,
  seen: 'the secret',
  where: 'cat',
  ...changes,
});

const summary = (changes: Partial<Summary>): Summary => ({
  name: 'lab 03',
  checks: { held: 9, failed: 0 },
  attacks: { asExpected: 2, otherwise: 0 },
  seconds: 1.23,
  ...changes,
});

describe('a check', () => {
  it('that held is one line with the place', () => {
    expect(formatFinding(finding, style)).toBe(
      '✓ its root is the prepared directory  /proc/1/root',
    );
  });

  it('that did not tells what was expected, what was seen, where, and the hint', () => {
    const failed = { ...finding, held: false, seen: 'inode 2\ninode 3', hint: 'no chroot' };
    expect(formatFinding(failed, style)).toBe(
      [
        '✗ its root is the prepared directory',
        '    expected  inode 7',
        '    seen      inode 2',
        '              inode 3',
        '    where     /proc/1/root',
        '    hint      no chroot',
      ].join('\n'),
    );
  });
});

describe('attacks', () => {
  it('are a line each, with a column for each runtime', () => {
    const after = outcome({ runtime: 'lab 03', expected: false, succeeded: false });
    expect(formatAttacks([outcome({}), after], style)).toBe(
      ['attack      lab 02       lab 03', 'climb out   succeeds ✓   fails ✓'].join('\n'),
    );
  });

  it('that come out otherwise are told at length', () => {
    const text = formatAttacks([outcome({ expected: false })], style);
    expect(text).toContain('succeeds ✗');
    expect(text).toContain('✗ climb out, against lab 02\n    expected  it fails\n');
    expect(text).toContain('    seen      the secret');
  });

  it('that could not be carried out are as expected in no case', () => {
    for (const expected of [true, false]) {
      expect(formatAttacks([outcome({ expected, succeeded: null })], style)).toContain('broke ✗');
    }
  });
});

describe('the last line', () => {
  it('counts', () => {
    expect(formatSummary(summary({}), style.paint)).toBe(
      'lab 03: 9 checks held, 2 attacks as expected (1.2 s)',
    );
    const mixed = summary({
      checks: { held: 1, failed: 2 },
      attacks: { asExpected: 1, otherwise: 1 },
    });
    expect(formatSummary(mixed, style.paint)).toBe(
      'lab 03: 1 check held, 2 did not, 1 attack as expected, 1 not (1.2 s)',
    );
  });

  it('is good only when nothing failed', () => {
    expect(allHeld(summary({}))).toBe(true);
    expect(allHeld(summary({ checks: { held: 9, failed: 1 } }))).toBe(false);
    expect(allHeld(summary({ attacks: { asExpected: 2, otherwise: 1 } }))).toBe(false);
  });
});
