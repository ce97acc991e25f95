import { expect, it } from 'vitest';
import { noSwap } from './no-swap.ts';
import { siteWith } from './site.fixture.ts';
import type { CgroupSite } from './site.ts';

/** What a kernel that does not count swap shows. */
function uncounted(version: 1 | 2, countsSwap: false | null = false): CgroupSite {
  const site = version === 1 ? siteWith(['memory'], null) : siteWith([], ['memory']);
  for (const place of Object.values(site.v1)) Object.assign(place, { files: [] });
  return { ...site, v2: site.v2 && { ...site.v2, countsSwap } };
}

it('swap is taken away where it is counted, whether there is some or not', () => {
  for (const site of [siteWith(['memory'], null), siteWith([], ['memory'])]) {
    for (const swaps of [false, true]) expect(noSwap(site, swaps)).toEqual({ swap: 0 });
  }
});

it('uncounted, it is forbidden only where there is some', () => {
  for (const site of [uncounted(1), uncounted(2), uncounted(2, null)]) {
    expect(noSwap(site, false)).toEqual({});
    expect(noSwap(site, true)).toEqual({ swap: 0 });
  }
});
