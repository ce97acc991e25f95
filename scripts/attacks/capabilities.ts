import type { CapabilitySet } from '../../lib/oci/spec.ts';
import type { Change } from './attack.ts';

const SETS: readonly CapabilitySet[] = ['bounding', 'effective', 'permitted'];

/** Adds them to those that the container's process has. */
export const give =
  (...names: string[]): Change =>
  ({ process }) => {
    for (const set of SETS) {
      const before = process.capabilities?.[set] ?? [];
      process.capabilities = { ...process.capabilities, [set]: [...before, ...names] };
    }
  };
