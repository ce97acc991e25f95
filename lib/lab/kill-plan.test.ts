import { expect, it } from 'vitest';
import { planKills } from './kill-plan.ts';

const LABS = [
  { number: '00', duration: 1000 },
  { number: '01', duration: 10 },
];

it('spreads the kills over all labs, each within the time that its run takes', () => {
  const kills = planKills(200, LABS, 1);
  expect(kills.filter(({ lab }) => lab === '00')).toHaveLength(100);
  expect(kills.every(({ lab, after }) => after >= 0 && after < (lab === '00' ? 1000 : 10))).toBe(
    true,
  );
});

it('uses the beginning, the middle and the end of a run', () => {
  const moments = planKills(200, LABS.slice(0, 1), 1).map(({ after }) => Math.floor(after / 200));
  expect([...new Set(moments)].sort()).toEqual([0, 1, 2, 3, 4]);
});

it('gives the same plan for a seed, and another one for another', () => {
  expect(planKills(20, LABS, 7)).toEqual(planKills(20, LABS, 7));
  expect(planKills(20, LABS, 7)).not.toEqual(planKills(20, LABS, 8));
});
