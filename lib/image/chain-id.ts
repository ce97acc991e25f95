/**
 * Chain ids: the name of a layer on top of certain others. The bottom layer's is its diffID, any
 * other's the digest of the chain id below, a blank and its own diffID.
 * OCI image-spec, config.md, "Layer ChainID"
 */
import { digestOf } from './digest.ts';
import type { Digest } from './spec.ts';

export function chainId(parent: Digest | null, diffId: Digest): Digest {
  return parent === null ? diffId : digestOf(`${parent} ${diffId}`);
}

/** One for each of `diffIds`, bottom first. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) chain.push(chainId(chain.at(-1) ?? null, diffId));
  return chain;
}
