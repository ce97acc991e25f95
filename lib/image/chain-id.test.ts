import { expect, it } from 'vitest';
import { chainId, chainIds } from './chain-id.ts';
import type { Digest } from './spec.ts';

const published: [parent: Digest, diffId: Digest, chain: Digest][] = [
  [
    'sha256:9f54eef412758095c8079ac465d494a2872e02e90bf1fb5f12a1641c0d1bb78b',
    'sha256:b3cce2ce0405ffbb4971b872588c5b7fc840514b807f18047bf7d486af79884c',
    'sha256:6613b10b697b0a267c9573ee23e54c0373ccf72e7991cf4479bd0b66609a631c',
  ],
  [
    'sha256:e1c75a5e0bfa094c407e411eb6cc8a159ee8b060cbd0398f1693978b4af9af10',
    'sha256:9e97312b63ff63ad98bb1f3f688fdff0721ce5111e7475b02ab652f10a4ff97d',
    'sha256:27d46ebb54384edbc8c807984f9eb065321912422b0e6c49d6a9cd8c8b7d8ffc',
  ],
];

it.each(published)('the chain id on %s is the one that was published', (parent, diffId, chain) => {
  expect(chainId(parent, diffId)).toBe(chain);
  expect(chainIds([parent, diffId])).toEqual([parent, chain]);
});

it('the bottom layer’s chain id is its diffID', () => {
  expect(chainId(null, published[0]?.[1] as Digest)).toBe(published[0]?.[1]);
});
