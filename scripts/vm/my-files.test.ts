import { describe, expect, test } from 'vitest';
import { type Listing, type MyPlan, planMyFiles } from './my-files.ts';

const NOTHING: MyPlan = { toGuest: [], toHost: [], removeOnGuest: [], removeOnHost: [], both: [] };
type Hash = string | undefined;
const listing = (hash: Hash): Listing => (hash === undefined ? {} : { 'runtime.ts': hash });
const plan = (last: Hash, host: Hash, guest: Hash) =>
  planMyFiles(listing(last), listing(host), listing(guest));

describe('what only one side has changed goes to the other', () => {
  test.each<[string, Hash, Hash, Hash, keyof MyPlan]>([
    ['written on the host', undefined, 'a', undefined, 'toGuest'],
    ['changed on the host', 'a', 'b', 'a', 'toGuest'],
    ['removed on the host', 'a', undefined, 'a', 'removeOnGuest'],
    ['written in the guest', undefined, undefined, 'a', 'toHost'],
    ['changed in the guest', 'a', 'a', 'b', 'toHost'],
    ['removed in the guest', 'a', 'a', undefined, 'removeOnHost'],
  ])('%s', (_, last, host, guest, action) => {
    expect(plan(last, host, guest)).toEqual({ ...NOTHING, [action]: ['runtime.ts'] });
  });
});

describe('nothing that somebody wrote is lost', () => {
  test('where both have changed it, both are kept', () => {
    expect(plan('a', 'b', 'c')).toEqual({ ...NOTHING, both: ['runtime.ts'] });
    expect(plan(undefined, 'b', 'c')).toEqual({ ...NOTHING, both: ['runtime.ts'] });
  });

  test('a change outlives the other side’s removal', () => {
    expect(plan('a', 'b', undefined)).toEqual({ ...NOTHING, toGuest: ['runtime.ts'] });
    expect(plan('a', undefined, 'b')).toEqual({ ...NOTHING, toHost: ['runtime.ts'] });
  });
});

test('what is the same on both sides stays as it is', () => {
  expect(plan('a', 'b', 'b')).toEqual(NOTHING);
  expect(plan('a', undefined, undefined)).toEqual(NOTHING);
});
