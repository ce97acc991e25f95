/**
 * The overlays of a mount table, with the directories that each is made of. The kernel prints the
 * options as they were given: in `lowerdir=` a colon or backslash of a name still has its backslash,
 * `lowerdir+=` is repeated and stands as it is. proc_pid_mountinfo(5)
 */
import { type Mount, readMountinfo } from '../observe/mountinfo.ts';
import type { ProcId } from '../observe/proc-file.ts';

export interface MountedOverlay {
  target: string;
  /** `major:minor` of files that are on no other device's behalf. */
  device: string;
  /** The topmost first. Paths as they were given, in the mount table of whoever mounted it. */
  lowers: string[];
  upper: string | null;
  work: string | null;
  /** The remaining options, as printed. */
  options: string[];
}

/** Every overlay that the process sees mounted. Throws ObserveError. */
export const findOverlays = (pid: ProcId = 'self'): MountedOverlay[] =>
  readMountinfo(pid).flatMap((mount) => parseOverlay(mount) ?? []);

/** The overlay at a mount point, the topmost one, or null. Throws ObserveError. */
export const overlayAt = (target: string, pid: ProcId = 'self'): MountedOverlay | null =>
  findOverlays(pid).findLast((overlay) => overlay.target === target) ?? null;

/** Null for a mount of anything else. */
export function parseOverlay(mount: Mount): MountedOverlay | null {
  if (mount.fstype !== 'overlay') return null;
  const made: MountedOverlay = {
    target: mount.mountPoint,
    device: mount.device,
    lowers: [],
    upper: null,
    work: null,
    options: [],
  };
  for (const option of mount.superOptions) {
    const at = option.indexOf('=');
    const [key, value] = at < 0 ? [option, ''] : [option.slice(0, at), option.slice(at + 1)];
    if (key === 'lowerdir') made.lowers.push(...splitLowers(value));
    else if (key === 'lowerdir+') made.lowers.push(value);
    else if (key === 'upperdir') made.upper = withoutBackslashes(value);
    else if (key === 'workdir') made.work = withoutBackslashes(value);
    else made.options.push(option);
  }
  return made;
}

/** At the colons that have no backslash before them. */
const splitLowers = (list: string): string[] =>
  (list.match(/(?:\\.|[^\\:])+/g) ?? []).map(withoutBackslashes);

const withoutBackslashes = (text: string): string => text.replace(/\\(.)/g, '$1');
