/**
 * The mounts of a configuration, in two halves. Before the root is exchanged each is opened or made
 * as a detached mount, which nobody sees: a bind from its source on the host, a file system from
 * nothing. Afterwards they are put in their places from inside, by descriptors.
 *
 *   before pivot_root    open_tree(source, OPEN_TREE_CLONE)   fsopen · fsconfig … · fsmount
 *                        mount_setattr: its options
 *   after it             mkdirat or mknodat what is missing, openat2 the place in the root
 *                        move_mount onto it; its propagation
 *
 * OCI runtime-spec, config.md "Mounts"; open_tree(2), move_mount(2), mount_setattr(2)
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  F_DUPFD_CLOEXEC,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MNT_DETACH,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_RDONLY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../kernel/constants.ts';
import { encodeMountAttr } from '../kernel/structs.ts';
import type { Calls, Result } from '../launch/program.ts';
import { type CgroupView, openCgroups } from './cgroup-mount.ts';
import type { Draft } from './draft.ts';
import { type Ground, makePlace, openInRoot } from './in-root.ts';
import { type Attributes, type MountOptions, parseMountOptions } from './mount-options.ts';
import { OciError } from './oci-error.ts';
import { assertLeavesProc } from './proc-mount.ts';
import type { Place, RootView } from './root-view.ts';
import type { Mount } from './spec.ts';

/** One that is opened and not yet in its place. */
export interface Opened {
  place: Place;
  kind: 'directory' | 'file';
  tree: Result;
  /** Set when all of it is in place, so that it can be filled first. */
  sealed: Attributes | null;
  propagation: MountOptions['propagation'];
  /** Symbolic links to make in it, beside the mounts. */
  links?: readonly { name: string; target: string }[];
}

export interface MountNeeds {
  draft: Draft;
  view: RootView;
  /** `context="…"`, or null. */
  label: string | null;
  cgroups: CgroupView;
  /** By the mount's index: a detached copy that the host has mapped the ids of. */
  mapped: ReadonlyMap<number, number>;
  /** The root, on the host: a mount of its own by then. */
  top: string;
}

/** Where a tmpfs is to begin with what it covers. */
export interface CopyUp {
  /** Below a directory of the host, which whoever has the image can change meanwhile. */
  from: { top: string; path: string };
  tree: Result;
}

export interface OpenedMounts {
  opened: Opened[];
  copyUps: CopyUp[];
}

interface Planned {
  mount: Mount;
  index: number;
  options: MountOptions;
  source: string;
  kind: 'directory' | 'file';
  place: Place;
}

/** What each leads to, in their order: later ones may lie on earlier ones. Throws OciError. */
export function planMounts({ draft, view }: MountNeeds): Planned[] {
  const procs = new Set<string>();
  return (draft.spec.mounts ?? []).map((mount, index) => {
    const options = parseMountOptions(mount.options, mount.type);
    const source = sourceOf(mount, options, draft.bundle.directory);
    const kind = options.bind ? kindOf(source, mount) : 'directory';
    const place = view.resolve(mount.destination);
    assertFits(place, kind, mount);
    assertLeavesProc(index, mount, { place, source, bind: options.bind }, procs);
    if (place.path === '/') throw new OciError(`mounts[${index}]: / is the root, which is mounted`);
    view.make(place.path, kind);
    view.cover(place.path, backingOf(mount, options, source));
    return { mount, index, options, source, kind, place };
  });
}

/** Opens the sources of the binds: while the host can still be seen, with the right to see it. */
export function openBinds(needs: MountNeeds, planned: readonly Planned[]): Map<Planned, Result> {
  const { call, confined } = needs.draft;
  const trees = new Map<Planned, Result>();
  for (const one of planned) {
    if (!one.options.bind) continue;
    const { options, source, index } = one;
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.rbind ? AT_RECURSIVE : 0);
    const mapped = needs.mapped.get(index);
    const tree =
      mapped === undefined
        ? call.openTree(AT_FDCWD, source, flags)
        : call.fcntl(mapped, F_DUPFD_CLOEXEC, 3);
    setAttributes(call, tree, options.here, 0, confined);
    setAttributes(call, tree, options.recursive, AT_RECURSIVE, confined);
    trees.set(one, tree);
  }
  return trees;
}

/** Makes the file systems, and brings all in order. */
export function openMounts(
  needs: MountNeeds,
  planned: readonly Planned[],
  binds: ReadonlyMap<Planned, Result>,
): OpenedMounts {
  const { call, confined } = needs.draft;
  const copyUps: CopyUp[] = [];
  const opened = planned.flatMap((one): Opened[] => {
    const { mount, options, place, kind } = one;
    const { propagation } = options;
    const bind = binds.get(one);
    if (bind) return [{ place, kind, tree: bind, sealed: null, propagation }];
    if (mount.type === 'cgroup') return openCgroups(call, needs.cgroups, place, options, confined);
    const from = options.tmpcopyup && place.kind === 'directory' ? place.below : null;
    // What is to be filled is made read-only when it is full.
    const sealed = from && (options.here.set & MOUNT_ATTR_RDONLY) !== 0 ? options.here : null;
    const attributes = sealed ? options.here.set & ~MOUNT_ATTR_RDONLY : options.here.set;
    const fileSystem: FileSystem = {
      type: mount.type ?? '',
      source: one.source,
      attributes,
      data: needs.label ? [...options.data, labelEntry(needs.label)] : options.data,
    };
    const tree = isLong(fileSystem)
      ? makeAt(call, needs.top, fileSystem)
      : makeFileSystem(call, fileSystem);
    setAttributes(call, tree, options.recursive, AT_RECURSIVE, confined);
    if (from) copyUps.push({ from, tree });
    return [{ place, kind, tree, sealed, propagation }];
  });
  return { opened, copyUps };
}

/**
 * Puts them in their places; the working directory is the root. What is returned stays open, for
 * what comes to lie on them: see `leaveMounts`.
 */
export function attachMounts(call: Calls, opened: readonly Opened[]): Ground {
  const ground: { path: string; tree: Result }[] = [];
  for (const { place, kind, tree, sealed, propagation, links = [] } of opened) {
    makePlace(call, place, kind, ground);
    attach(call, tree, place.path, ground);
    if (sealed) setAttributes(call, tree, sealed, 0, false);
    for (const { name, target } of links) call.symlinkat(target, tree, name);
    for (const { type, recursive } of propagation) {
      const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
      call.mountSetattr(tree, '', flags, encodeMountAttr({ propagation: type }));
    }
    if (kind === 'directory') ground.push({ path: place.path, tree });
    else call.close(tree);
  }
  return ground;
}

/** When nothing more comes to lie on them. */
export function leaveMounts(call: Calls, ground: Ground): void {
  for (const { tree } of ground) call.close(tree);
}

/** A detached mount onto a path that is there; `tree` stays open. */
export function attach(call: Calls, tree: Result, path: string, ground: Ground): void {
  const target = openInRoot(call, path, O_PATH, ground);
  call.moveMount(tree, '', target, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  call.close(target);
}

export interface FileSystem {
  type: string;
  source: string;
  /** MOUNT_ATTR_* */
  attributes: number;
  data: MountOptions['data'];
}

/** A new file system as a detached mount. fsopen(2) */
export function makeFileSystem(call: Calls, fileSystem: FileSystem): Result {
  const { type, source, attributes, data } = fileSystem;
  const context = call.fsopen(type, FSOPEN_CLOEXEC);
  if (source !== '') call.fsconfig(context, FSCONFIG_SET_STRING, 'source', source, 0);
  for (const [key, value] of data) {
    const command = value === null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    call.fsconfig(context, command, key, value, 0);
  }
  // A read-only mount of a disk does not write to it, its file system may: journal, times.
  if ((attributes & MOUNT_ATTR_RDONLY) !== 0 && isOnDevice(type)) {
    call.fsconfig(context, FSCONFIG_SET_FLAG, 'ro', null, 0);
  }
  call.fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0);
  const tree = call.fsmount(context, FSMOUNT_CLOEXEC, attributes);
  call.close(context);
  return tree;
}

/** fsconfig(2) takes a value of at most so many bytes; the layers of an overlay are often longer. */
const LONGEST_VALUE = 255;

const isLong = ({ source, data }: FileSystem) =>
  [source, ...data.map(([, value]) => value ?? '')].some(
    (value) => Buffer.byteLength(value) > LONGEST_VALUE,
  );

/** The same by mount(2), which takes a page of options: seen on `top` by nobody but this process. */
function makeAt(call: Calls, top: string, { type, source, attributes, data }: FileSystem): Result {
  const words = data.map(([key, value]) =>
    value === null ? key : `${key}=${inOptions(key, value)}`,
  );
  const flags = (attributes & MOUNT_ATTR_RDONLY) !== 0 ? MS_RDONLY : 0;
  call.mount(source, top, type, flags, words.join(','));
  const tree = call.openTree(AT_FDCWD, top, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  call.umount2(top, MNT_DETACH);
  setAttributes(call, tree, { set: attributes, clear: 0 }, 0, false);
  return tree;
}

/** Where a comma is the end of an option: a label may be quoted, overlay reads past a backslash. */
const inOptions = (key: string, value: string) =>
  key === 'context' ? `"${value}"` : value.replaceAll(',', '\\,');

export function setAttributes(
  call: Calls,
  tree: Result,
  { set, clear }: Attributes,
  flags: number,
  confined: boolean,
): void {
  const at = AT_EMPTY_PATH | flags;
  // In a user namespace what the host's mount forbids cannot be allowed again; it stays forbidden.
  // Times of access are one value of several bits, which are cleared to set another.
  const needed = (set & MOUNT_ATTR__ATIME) !== 0 ? clear & MOUNT_ATTR__ATIME : 0;
  const apart = confined && clear !== needed;
  if (apart) call.attempt.mountSetattr(tree, '', at, encodeMountAttr({ set, clear }));
  if (set === 0 && (clear === 0 || apart)) return;
  call.mountSetattr(tree, '', at, encodeMountAttr({ set, clear: apart ? needed : clear }));
}

function sourceOf(mount: Mount, options: MountOptions, bundle: string): string {
  const { source, type, destination } = mount;
  if (!options.bind) return source ?? type ?? '';
  if (source) return resolve(bundle, source);
  throw new OciError(`mount of ${destination}: a bind mount needs a source`);
}

function kindOf(source: string, { destination }: Mount): 'directory' | 'file' {
  try {
    return statSync(source).isDirectory() ? 'directory' : 'file';
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Behind a directory that we may not search it may be there all the same.
    if (code === 'EACCES') return 'directory';
    throw new OciError(
      `error mounting "${source}" to rootfs at "${destination}": stat ${source}: no such file or directory`,
      { cause },
    );
  }
}

function assertFits(place: Place, kind: 'directory' | 'file', { destination, source }: Mount) {
  const { kind: found } = place;
  if (found === 'missing' || found === 'unknown' || found === kind) return;
  throw new OciError(
    `error mounting "${source}" to rootfs at "${destination}": a ${kind} does not go onto a ${found} (not a directory)`,
  );
}

/** Where on the host it looks as it will; of the kernel's file systems our own are like it. */
function backingOf({ type }: Mount, options: MountOptions, source: string): string | null {
  if (options.bind) return source;
  if (type === 'proc') return '/proc';
  return type === 'sysfs' ? '/sys' : null;
}

const labelEntry = (label: string): readonly [string, string] => [
  'context',
  label.replace(/^context=/, '').replaceAll('"', ''),
];

const isOnDevice = (type: string): boolean =>
  readFileSync('/proc/filesystems', 'utf8').split('\n').includes(`\t${type}`);
