/**
 * The course holds what it promises, lab by lab: its parts are there, its reading keeps the rules,
 * its runtime passes what the one before it does not, and its text claims what a run prints.
 */
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import type { Need } from '../observe/needs.ts';
import { course, loadLab, numberOf } from './course.ts';
import { loadLabsUpTo } from './examine.ts';
import { labNeeds } from './lab-needs.ts';
import { proveOwn, proveReading, proveStart } from './lint/prove.ts';
import { describeComplaint, lintLab, lintRepository } from './lint.ts';

const NEEDS: Need[] = ['root', 'ip', 'nft', 'ping', 'nsenter', 'ldd'];

it('the repository’s README and folders keep the rules', () => {
  expect(lintRepository().map(describeComplaint)).toEqual([]);
});

describe.each(course)('%s', (folder) => {
  const number = numberOf(folder);
  const needs = [...NEEDS, ...labNeeds(number)];
  const load = async () => {
    const lab = await loadLab(number);
    if (!lab) throw new Error(`lab ${number} is not there`);
    return lab;
  };

  it('keeps the rules', async () => {
    expect((await lintLab(folder)).map(describeComplaint)).toEqual([]);
  });

  itNeeds(
    needs,
    'its own runtime passes its checks, its attacks and all checks before',
    async () => {
      expect(await proveOwn(await loadLabsUpTo(number))).toEqual([]);
    },
  );

  itNeeds(needs, 'what a learner starts from does not pass', async () => {
    expect(await proveStart(await load())).toEqual(expect.any(String));
  });

  itNeeds(needs, 'its reading claims what a run prints', async () => {
    expect((await proveReading(await load())).map(describeComplaint)).toEqual([]);
  });
});
