/**
 * What of the root cannot be seen or written: masked paths are covered by an empty read-only tmpfs
 * or by the host's /dev/null, read-only paths by themselves with another attribute.
 *
 * A path that is not there is passed over, as the kernel has some of them only with some options.
 * One that is there has to be covered, or the container does not start.
 *
 * OCI runtime-spec, config-linux.md "Masked Paths", "Readonly Paths"
 */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../kernel/constants.ts';
import { encodeMountAttr } from '../kernel/structs.ts';
import type { Result } from '../launch/program.ts';
import type { Draft } from './draft.ts';
import { type Ground, openInRoot } from './in-root.ts';
import { attach, makeFileSystem } from './mounts.ts';
import { OciError } from './oci-error.ts';
import type { RootView } from './root-view.ts';

export interface Cover {
  path: string;
  tree: Result;
  /** One tmpfs covers all directories: the first is it, the others are copies of the first. */
  isEmpty: boolean;
}

const CLONE = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

/** Opens what covers the masked paths: from the host, whose /dev/null is no link of the image. */
export function openMasks({ call, spec }: Draft, view: RootView): Cover[] {
  let empty: Result | undefined;
  return (spec.linux?.maskedPaths ?? []).flatMap((masked): Cover[] => {
    const { path, kind, below } = view.resolve(masked);
    if (kind === 'unknown' && below) throw hidden('maskedPaths', masked);
    if (kind === 'missing' || kind === 'unknown') return [];
    if (kind === 'file') {
      return [{ path, tree: call.openTree(AT_FDCWD, '/dev/null', CLONE), isEmpty: false }];
    }
    empty ??= makeFileSystem(call, {
      type: 'tmpfs',
      source: 'tmpfs',
      attributes: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
      data: [
        ['nr_inodes', '1'],
        ['mode', '0555'],
      ],
    });
    return [{ path, tree: empty, isEmpty: true }];
  });
}

/** The working directory is the root. */
export function coverPaths(
  { call, spec }: Draft,
  view: RootView,
  masks: readonly Cover[],
  ground: Ground,
): void {
  for (const readOnly of spec.linux?.readonlyPaths ?? []) {
    const { path, kind, below } = view.resolve(readOnly);
    if (kind === 'unknown' && below) throw hidden('readonlyPaths', readOnly);
    if (kind === 'missing' || kind === 'unknown') continue;
    const place = openInRoot(call, path, O_PATH, ground);
    const tree = call.openTree(place, '', CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
    const attr = encodeMountAttr({ set: MOUNT_ATTR_RDONLY });
    call.mountSetattr(tree, '', AT_EMPTY_PATH | AT_RECURSIVE, attr);
    call.moveMount(tree, '', place, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    call.close(tree);
    call.close(place);
  }
  let empty: Result | undefined;
  for (const { path, tree, isEmpty } of masks) {
    // Copied when the first is in its place: before Linux 6.15 a mount that nobody sees cannot be.
    const own = isEmpty && empty ? call.openTree(tree, '', CLONE | AT_EMPTY_PATH) : tree;
    attach(call, own, path, ground);
    if (isEmpty) empty ??= tree;
    if (own !== empty) call.close(own);
  }
  if (empty) call.close(empty);
}

const hidden = (list: string, path: string) =>
  new OciError(
    `linux.${list}: ${path} is behind a directory that we may not search, so whether it is there to be covered is not known; run as its owner, or leave it out`,
  );
