import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DRIVERS, KERNEL_ROOMS, planSuite } from './suite-plan.ts';

const NUMBERS = ['00', '01', '02'];

describe('a plan of the suite', () => {
  it('is everything where nothing is named', () => {
    const plan = planSuite([], NUMBERS);
    expect(plan).toEqual({ tests: KERNEL_ROOMS, labs: NUMBERS, mutants: NUMBERS, trials: [] });
  });

  it('is what is named and no more', () => {
    expect(planSuite(['lib/launch', 'lab:1', 'mutants:02'], NUMBERS)).toEqual({
      tests: ['lib/launch'],
      labs: ['01'],
      mutants: ['02'],
      trials: [],
    });
    const none = { tests: [], labs: [], mutants: [], trials: [] };
    expect(planSuite(['labs'], NUMBERS)).toEqual({ ...none, labs: NUMBERS });
    expect(planSuite(['tests'], NUMBERS)).toEqual({ ...none, tests: KERNEL_ROOMS });
    const trials = [
      { script: 'scripts/test-attacks.ts', args: [] },
      { script: 'scripts/kill-test.ts', args: ['20', '--runtime', '20'] },
      { script: DRIVERS, args: ['--runtime', 'dist/box-runtime', 'podman'] },
    ];
    const words = ['attacks', 'kills:20', 'drivers:podman'];
    expect(planSuite(words, NUMBERS)).toEqual({ ...none, trials });
  });

  it('refuses what names nothing, in one line', () => {
    expect(planSuite(['launch'], NUMBERS)).toMatch(/^launch: not a part; .*lib\/launch/);
    expect(planSuite(['lab:09'], NUMBERS)).toBe('lab:09: there is no such lab');
  });

  it('holds rooms that exist, so that none is tested by a name alone', () => {
    const missing = KERNEL_ROOMS.filter((room) => !existsSync(room));
    expect(missing).toEqual([]);
  });
});
