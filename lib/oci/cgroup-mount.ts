/**
 * What a container sees of its cgroups at a mount of type `cgroup`: its own directories, bound from
 * the host's. In version 2 that is one mount. In version 1 it is a tmpfs with a mount for each
 * hierarchy, named as the host names them, and a link for each controller that shares one.
 *
 * OCI runtime-spec, config-linux.md "Control groups"; cgroups(7)
 */
import { basename, join } from 'node:path';
import {
  AT_FDCWD,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../kernel/constants.ts';
import type { Calls } from '../launch/program.ts';
import type { MountOptions } from './mount-options.ts';
import { makeFileSystem, type Opened, setAttributes } from './mounts.ts';
import type { Place } from './root-view.ts';

/** The container's directories on the host. */
export interface CgroupView {
  v2: string | null;
  /** Mount point of each version 1 hierarchy, its controllers, and the container's directory. */
  v1: readonly { mountPoint: string; controllers: readonly string[]; directory: string }[];
}

export function openCgroups(
  call: Calls,
  { v1, v2 }: CgroupView,
  place: Place,
  options: MountOptions,
  confined: boolean,
): Opened[] {
  const { propagation } = options;
  const bind = (directory: string) => {
    const tree = call.openTree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    setAttributes(call, tree, options.here, 0, confined);
    return tree;
  };
  if (v1.length === 0) {
    if (v2 === null) return [];
    return [{ place, kind: 'directory', tree: bind(v2), sealed: null, propagation }];
  }
  const tmpfs = makeFileSystem(call, {
    type: 'tmpfs',
    source: 'tmpfs',
    attributes: options.here.set & ~MOUNT_ATTR_RDONLY,
    data: [['mode', '755']],
  });
  const inside = (name: string): Place => ({
    path: join(place.path, name),
    seen: null,
    below: null,
    kind: 'unknown',
    there: place.path.split('/').filter(Boolean).length,
  });
  const links = v1.flatMap(({ mountPoint, controllers }) =>
    controllers
      .filter((name) => name !== basename(mountPoint) && !name.startsWith('name='))
      .map((name) => ({ name, target: basename(mountPoint) })),
  );
  const each = [
    ...v1.map(({ mountPoint, directory }) => ({ name: basename(mountPoint), directory })),
    ...(v2 === null ? [] : [{ name: 'unified', directory: v2 }]),
  ].map(
    ({ name, directory }): Opened => ({
      place: inside(name),
      kind: 'directory',
      tree: bind(directory),
      sealed: null,
      propagation: [],
    }),
  );
  return [{ place, kind: 'directory', tree: tmpfs, sealed: null, propagation, links }, ...each];
}
