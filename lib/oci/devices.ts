/**
 * The nodes in /dev: those that every container has, those of its configuration, and the links to
 * what a process has open. In a user namespace no node can be made; the host's are bound in.
 *
 * OCI runtime-spec, config-linux.md "Devices", "Default Devices"; runtime-linux.md "/dev symbolic links"
 */
import { basename, dirname } from 'node:path';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
} from '../kernel/constants.ts';
import { makeDevice } from '../kernel/structs.ts';
import type { Calls, Result } from '../launch/program.ts';
import type { Draft } from './draft.ts';
import { type Ground, makePlace, within } from './in-root.ts';
import { attach } from './mounts.ts';
import { OciError } from './oci-error.ts';
import type { Place, RootView } from './root-view.ts';
import type { Device } from './spec.ts';

const character = (name: string, major: number, minor: number): Device => ({
  type: 'c',
  path: `/dev/${name}`,
  major,
  minor,
  fileMode: 0o666,
});

const DEFAULT_DEVICES: readonly Device[] = [
  character('null', 1, 3),
  character('zero', 1, 5),
  character('full', 1, 7),
  character('random', 1, 8),
  character('urandom', 1, 9),
  character('tty', 5, 0),
];

const LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
] as const;

export interface OpenedDevice {
  device: Device;
  /** The host's node, where it is to be bound. */
  tree: Result | null;
}

/** Opens what is to be bound: before the host is gone. */
export function openDevices({ call, spec, confined }: Draft): OpenedDevice[] {
  // A directory of the host's that was bound on /dev is not ours to make nodes in.
  const bound = (spec.mounts ?? []).some(
    ({ destination, type, options = [] }) =>
      /^\/dev\/?$/.test(destination) &&
      (type === 'bind' || options.includes('bind') || options.includes('rbind')),
  );
  const own = spec.linux?.devices ?? [];
  const others = bound ? [] : DEFAULT_DEVICES;
  const devices = [...own, ...others.filter((one) => !own.some(({ path }) => path === one.path))];
  return devices.map((device) => ({
    device,
    tree: confined
      ? call.openTree(AT_FDCWD, device.path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
      : null,
  }));
}

/** Makes the nodes and links. The umask is 0, so that each has the mode that it is to have. */
export function makeDevices(
  draft: Draft,
  view: RootView,
  opened: readonly OpenedDevice[],
  ground: Ground,
): void {
  const { call } = draft;
  for (const { device, tree } of opened) {
    const place = view.resolve(device.path);
    if (tree) {
      makePlace(call, place, 'file', ground);
      attach(call, tree, place.path, ground);
      call.close(tree);
    } else {
      makeNode(call, device, place, ground);
    }
    view.make(place.path, 'file');
  }
  makeLinks(call, view, ground);
}

const KINDS = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const;

function makeNode(call: Calls, device: Device, place: Place, ground: Ground): void {
  const { type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  if (place.kind === 'directory') throw new OciError(`device ${device.path}: there is a directory`);
  // What the image has there stays, as with other runtimes.
  if (place.kind === 'file') return;
  const parent = dirname(place.path);
  makePlace(call, { ...place, path: parent }, 'directory', ground);
  within(call, parent, ground, (directory) => {
    const name = basename(place.path);
    const number = type === 'p' ? 0 : makeDevice(major, minor);
    call.mknodat(directory, name, KINDS[type] | (fileMode & 0o7777), number);
    if (uid !== 0 || gid !== 0) {
      call.fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW);
    }
  });
}

function makeLinks(call: Calls, view: RootView, ground: Ground): void {
  const place = view.resolve('/dev');
  makePlace(call, place, 'directory', ground);
  view.make(place.path, 'directory');
  within(call, place.path, ground, (directory) => {
    for (const [name, target] of LINKS) {
      // One that is there already stays: it is the image's, or of a /dev that was bound.
      call.attempt.symlinkat(target, directory, name);
    }
  });
}
