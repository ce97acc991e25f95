/**
 * What of a machine some labs need besides what all do: labs about cgroups are for one layout, and
 * no machine has both. Where it is missing, their runtimes are not run by tests.
 */
import type { Need } from '../observe/needs.ts';

/** The controllers that both labs set limits with. */
const LIMITING = ['cpu', 'memory', 'pids'];

const NEEDS: Readonly<Record<string, Need[]>> = {
  '07': LIMITING.map((name): Need => `v1:${name}`),
  '08': LIMITING.map((name): Need => `v2:${name}`),
};

export const labNeeds = (number: string): Need[] => NEEDS[number] ?? [];
