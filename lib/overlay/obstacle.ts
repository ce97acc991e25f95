/**
 * What would keep an overlay from being mounted, looked for before it is tried: the kernel answers
 * EINVAL to most of it, and says why in its own log at best. overlayfs.rst
 *
 * - `assertMountable`: the first obstacle, as an error that says what to do.
 */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { sep } from 'node:path';
import { findOverlays } from './mounted.ts';
import type { Overlay } from './options.ts';
import { OverlayError } from './overlay-error.ts';
import { isOnOverlay } from './place.ts';

/** What the kernel itself leaves in a work directory. */
const OF_THE_KERNEL = new Set(['work', 'index']);

/**
 * Throws OverlayError: a directory that is missing, an upper on another overlay, a work directory
 * elsewhere or in use. What two mounts at the same moment do to each other is the kernel's to see.
 */
export function assertMountable({ lowers, upper, work, target }: Omit<Overlay, 'options'>): void {
  for (const path of [...lowers, target]) assertDirectory(path);
  if (upper === undefined || work === undefined) return;
  const [stats, workStats] = [assertDirectory(upper), assertDirectory(work)];
  assertUpperKind(upper);
  assertOneMount(upper, work, [stats, workStats]);
  if (isWithin(work, upper) || isWithin(upper, work)) {
    throw new OverlayError(
      work,
      `lies within ${upper} or around it; make two directories side by side`,
    );
  }
  assertFree(upper, work);
  assertEmpty(work);
}

function assertDirectory(path: string): Stats {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return stats;
  const what = stats ? 'is no directory' : 'does not exist';
  throw new OverlayError(path, `${what}; an overlay is made of directories that are there`);
}

function assertUpperKind(upper: string): void {
  if (!isOnOverlay(upper)) return;
  throw new OverlayError(
    upper,
    'lies on an overlay, which cannot be the upper of another one; put upper and work on a tmpfs or on a volume of the machine',
  );
}

/** One mount, not only one file system: a rename is not possible from one mount to another. */
function assertOneMount(upper: string, work: string, [a, b]: readonly [Stats, Stats]): void {
  if (a.dev === b.dev) return;
  throw new OverlayError(
    work,
    `is on another file system than ${upper}: what is prepared here is renamed to there; put both on one`,
  );
}

const isWithin = (path: string, directory: string) =>
  path === directory || path.startsWith(directory + sep);

/** The kernel only warns, of behaviour that is undefined. */
function assertFree(upper: string, work: string): void {
  for (const overlay of findOverlays()) {
    for (const path of [upper, work]) {
      if (path !== overlay.upper && path !== overlay.work) continue;
      throw new OverlayError(
        path,
        `is the upper or work directory of the overlay on ${overlay.target} already; what both write would be lost or mixed`,
      );
    }
  }
}

function assertEmpty(work: string): void {
  const strange = readdirSync(work).filter((name) => !OF_THE_KERNEL.has(name));
  if (strange.length > 0) {
    throw new OverlayError(
      work,
      `is not empty (${strange[0]}); a work directory is the kernel's alone`,
    );
  }
  const dirty = `${work}/work/incompat/volatile`;
  if (!statSync(dirty, { throwIfNoEntry: false })) return;
  throw new OverlayError(
    work,
    'belongs to an upper that was mounted volatile and may have lost data; begin with a new upper and work directory',
  );
}
