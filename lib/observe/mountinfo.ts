/**
 * The mount table as a process sees it: one line per mount with its id, its parent's id, the part
 * of the file system that is mounted, the place, and how mounts made under it propagate. Only
 * mounts below the process's own root are listed, so a chrooted process sees a shorter table.
 *
 * proc_pid_mountinfo(5), mount_namespaces(7)
 */
import { type ProcId, readProcFile } from './proc-file.ts';

export interface Mount {
  id: number;
  /** Id of the mount that this one lies on; not in the table for the process's root mount. */
  parent: number;
  /** `major:minor` as `stat` shows it for files on this mount. */
  device: string;
  /** The directory of the file system that is the root of this mount. */
  root: string;
  mountPoint: string;
  /** Per-mount options: `rw`, `nosuid`, `relatime`. */
  options: string[];
  /** Propagation tags: `shared:1`, `master:2`, `propagate_from:3`, `unbindable`. */
  optional: string[];
  fstype: string;
  source: string;
  /** Options of the file system itself, the same for every mount of it. */
  superOptions: string[];
}

export type Propagation = 'private' | 'shared' | 'slave' | 'shared,slave' | 'unbindable';

/** The mounts in /proc/PID/mountinfo, in the kernel's order. Throws ObserveError. */
export function readMountinfo(pid: ProcId = 'self'): Mount[] {
  return parseMountinfo(readProcFile(`/proc/${pid}/mountinfo`));
}

/** The mounts in a text of that format. Throws SyntaxError for a line that is not one. */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

/** How a mount made under this one spreads to, or arrives from, other mount namespaces. */
export function propagationOf(mount: Mount): Propagation {
  const tagged = (tag: string) => mount.optional.some((field) => field.startsWith(tag));
  if (tagged('unbindable')) return 'unbindable';
  if (tagged('shared:')) return tagged('master:') ? 'shared,slave' : 'shared';
  return tagged('master:') ? 'slave' : 'private';
}

/**
 * The mount whose root a walk to `path` ends on, or undefined when that path is no mount point.
 * `path` is absolute, without `..` or symbolic links. Of several mounts on one place this is the
 * topmost; a mount that another one covers from higher up is not found. Ids tell the stacking
 * where the order of lines does not: a mount made early can be moved on top later.
 */
export function mountAt(mounts: Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map((mount) => mount.id));
  const liesOn = (mount: Mount, below: Mount | undefined) =>
    below
      ? mount.parent === below.id && mount.id !== below.id
      : mount.parent === mount.id || !ids.has(mount.parent);

  let current: Mount | undefined;
  for (const place of prefixes(path)) {
    const here = mounts.filter((mount) => mount.mountPoint === place);
    let next = here.find((mount) => liesOn(mount, current));
    while (next) {
      current = next;
      next = here.find((mount) => liesOn(mount, current));
    }
  }
  return current?.mountPoint === normalize(path) ? current : undefined;
}

/** `/a/b` gives `/`, `/a`, `/a/b`. */
function prefixes(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return ['/', ...names.map((_, end) => `/${names.slice(0, end + 1).join('/')}`)];
}

function normalize(path: string): string {
  return prefixes(path).at(-1) ?? '/';
}

function parseLine(line: string): Mount {
  // Single spaces only: an empty source (`mount -t tmpfs '' /mnt`) is an empty field.
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [id, parent, device, root, mountPoint, options] = fields;
  const [fstype, source, superOptions] = dash < 0 ? [] : fields.slice(dash + 1);
  if (device === undefined || options === undefined || superOptions === undefined) {
    throw new SyntaxError(`not a line of mountinfo: ${JSON.stringify(line)}`);
  }
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: decode(root),
    mountPoint: decode(mountPoint),
    options: splitOptions(options),
    optional: fields.slice(6, dash),
    fstype: decode(fstype),
    source: decode(source),
    superOptions: splitOptions(superOptions),
  };
}

/** A comma inside a value is written `\054`, so the list is split before it is decoded. */
function splitOptions(text: string): string[] {
  return text.split(',').map(decode);
}

/** The kernel writes blank, tab, newline, backslash and `#` as three octal digits. */
function decode(text = ''): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
