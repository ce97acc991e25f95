/**
 * What some labs need besides what all do. Of the machine: labs about cgroups are for one layout, and
 * no machine has both. Where it is missing, their runtimes are not run by tests. Of the kit: images.
 */
import type { Need } from '../observe/needs.ts';

/** The controllers that both labs set limits with. */
const LIMITING = ['cpu', 'memory', 'pids'];

const NEEDS: Readonly<Record<string, Need[]>> = {
  '07': LIMITING.map((name): Need => `v1:${name}`),
  '08': LIMITING.map((name): Need => `v2:${name}`),
};

export const labNeeds = (number: string): Need[] => NEEDS[number] ?? [];

/** The first lab whose containers have an image below them. */
const FIRST_WITH_IMAGES = '10';

export const usesImages = (number: string): boolean => number >= FIRST_WITH_IMAGES;
