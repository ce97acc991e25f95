/**
 * Lines that open and make places in the container's root. Each path is walked by the kernel with
 * the root as its end and without magic links, so that neither a link in the image, nor one that is
 * put there meanwhile, nor a descriptor in /proc leads out of it. Whoever uses a place does it by
 * the descriptor.
 *
 * What lies on a mount that is ours is walked to from that mount's own descriptor: whoever can write
 * the image may have put something else where the mount was to be, or have it mounted elsewhere by a
 * link, and what is to be covered would be covered there.
 *
 * openat2(2), RESOLVE_IN_ROOT
 */
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFREG,
} from '../kernel/constants.ts';
import { encodeOpenHow } from '../kernel/structs.ts';
import type { Calls, Result } from '../launch/program.ts';
import type { Place } from './root-view.ts';

const RESOLVE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/** For openat2(2); the working directory has to be the root. */
export const howInRoot = (flags: number, mode = 0): Uint8Array =>
  encodeOpenHow({ flags: flags | O_CLOEXEC, mode, resolve: RESOLVE });

/** The path as openat2 takes it: from the working directory, which is the root. */
const fromRoot = (path: string) => path.replace(/^\/+/, '') || '.';

/** The mounts that are in place, by their descriptors; later ones may lie on earlier ones. */
export type Ground = readonly { path: string; tree: Result }[];

/** Opens a place for its descriptor alone, or with `flags`. */
export function openInRoot(
  calls: Pick<Calls, 'openat2'>,
  path: string,
  flags: number = O_PATH,
  ground: Ground = [],
): Result {
  const on = ground.findLast((one) => `${path}/`.startsWith(`${one.path}/`));
  const rest = fromRoot(on ? path.slice(on.path.length) : path);
  return calls.openat2(on?.tree ?? AT_FDCWD, rest, howInRoot(flags));
}

/**
 * Opens the directory `path`, absolute, where links of the image are still to be followed. The
 * process's own root is the container's by now, and where they climb they end there; asked to see to
 * it once more (RESOLVE_IN_ROOT), the kernel gives up (EAGAIN) at a `..` when anything on the machine
 * is mounted or renamed meanwhile.
 */
export const openDirectory = (calls: Pick<Calls, 'openat2'>, path: string): Result =>
  calls.openat2(
    AT_FDCWD,
    path,
    encodeOpenHow({ flags: O_PATH | O_DIRECTORY | O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS }),
  );

/** Makes the directories that lead to `place`, and it itself, as far as they are missing. */
export function makePlace(
  call: Calls,
  place: Place,
  kind: 'directory' | 'file',
  ground: Ground = [],
): void {
  const names = place.path.split('/').filter(Boolean);
  names.forEach((name, index) => {
    if (index < place.there) return;
    const isLast = index === names.length - 1;
    within(call, `/${names.slice(0, index).join('/')}`, ground, (parent) => {
      // In a file system that is not made yet it may be there.
      const calls = place.seen === null ? call.attempt : call;
      if (isLast && kind === 'file') calls.mknodat(parent, name, S_IFREG | 0o755, 0);
      else calls.mkdirat(parent, name, 0o755);
    });
  });
}

/** Opens the directory `path`, and closes it behind `body`. */
export function within(
  call: Calls,
  path: string,
  ground: Ground,
  body: (parent: Result) => void,
): void {
  const parent = openInRoot(call, path, O_PATH, ground);
  body(parent);
  call.close(parent);
}
