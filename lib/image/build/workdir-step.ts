/**
 * WORKDIR makes the directory where the image does not have it, and no layer where it does.
 * Dockerfile reference, "WORKDIR"
 */
import { statSync } from 'node:fs';
import { findInRoot, makeInRoot } from '../in-root.ts';
import { type Building, type Made, makeOrFind } from './building.ts';
import type { Draft } from './draft.ts';

export function workdirStep(building: Building, draft: Draft, path: string): Promise<Made> {
  return makeOrFind(building, draft, ['WORKDIR', path], {
    init: false,
    change: async ({ root }) => {
      const there = findInRoot(root, path);
      if (there !== null && statSync(there).isDirectory()) return 'nothing';
      makeInRoot(root, path);
      return undefined;
    },
  });
}
