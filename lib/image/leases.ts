/**
 * What this process is at work with and no image has yet: each layer it adds is held by a lease, so
 * that nobody collects it, from before its first byte is written until an image has it. See lock.ts.
 */
import { closeSync, constants, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { holdLease, isStillAt, tryLock } from './lock.ts';
import type { StorePaths } from './store-paths.ts';

export interface Leases {
  /** Held until it is let go of, however often it was taken. */
  hold(name: string): Promise<void>;
  release(name: string): void;
  /** Runs `remove` if nobody holds it; else returns null. */
  unlessHeld<T>(name: string, remove: () => Promise<T>): Promise<T | null>;
  /** Leases that are written down, held or not. */
  names(): string[];
}

export function createLeases(paths: StorePaths): Leases {
  const held = new Map<string, () => void>();
  mkdirSync(paths.leases, { recursive: true, mode: 0o700 });

  return {
    async hold(name) {
      if (held.has(name)) return;
      const release = await holdLease(paths.lease(name));
      // Meanwhile somebody else in this process may have had the same thought.
      if (held.has(name)) release();
      else held.set(name, release);
    },
    release(name) {
      held.get(name)?.();
      held.delete(name);
    },
    async unlessHeld(name, remove) {
      const path = paths.lease(name);
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      try {
        if (!tryLock(fd, 'exclusive') || !isStillAt(fd, path)) return null;
        const result = await remove();
        unlinkSync(path);
        return result;
      } finally {
        closeSync(fd);
      }
    },
    names: () => readdirSync(paths.leases),
  };
}
