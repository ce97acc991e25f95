/**
 * Id-mapped mounts: binds whose files seem to belong to others than they do on the disk. A mount's ids
 * are mapped by a user namespace, which is made for that, and by root of the machine: so the host
 * opens the source as a detached mount, maps it, and the container's process puts it in its place.
 *
 * OCI runtime-spec, config.md "Mounts", uidMappings; MOUNT_ATTR_IDMAP in mount_setattr(2)
 */
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { kernel } from '../../kernel/call.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_IDMAP,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../kernel/constants.ts';
import { encodeMountAttr } from '../../kernel/structs.ts';
import { launch } from '../../launch/program.ts';
import { start } from '../../launch/start.ts';
import type { Bundle } from '../draft.ts';
import { writeIdMaps } from '../id-maps.ts';
import { parseMountOptions } from '../mount-options.ts';
import { OciError } from '../oci-error.ts';
import type { Linux, Mount } from '../spec.ts';

export interface MappedMounts extends Disposable {
  /** By the mount's index, a descriptor of the detached mount. */
  trees: ReadonlyMap<number, number>;
}

/** Throws OciError for one without ids to map, SyscallError where the kernel or file system cannot. */
export async function mapMounts({ directory, spec }: Bundle): Promise<MappedMounts> {
  using open = new DisposableStack();
  const trees = new Map<number, number>();
  for (const [index, mount] of (spec.mounts ?? []).entries()) {
    const { bind, rbind, idmap } = parseMountOptions(mount.options, mount.type);
    if (!idmap && !mount.uidMappings && !mount.gidMappings) continue;
    if (!bind || !mount.source) throw new OciError(`mounts[${index}]: only a bind is id-mapped`);
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (rbind ? AT_RECURSIVE : 0);
    const source = resolve(directory, mount.source);
    const tree = open.adopt(kernel.openTree(AT_FDCWD, source, flags), closeSync);
    const userns = await makeUserNamespace(mapsOf(index, mount, spec.linux));
    try {
      const attr = encodeMountAttr({ set: MOUNT_ATTR_IDMAP, userns });
      const below = idmap === 'ridmap' ? AT_RECURSIVE : 0;
      kernel.mountSetattr(tree, '', AT_EMPTY_PATH | below, attr);
    } finally {
      closeSync(userns);
    }
    trees.set(index, tree);
  }
  const kept = open.move();
  return { trees, [Symbol.dispose]: () => kept.dispose() };
}

/** Its own, or those of the container's new user namespace. */
function mapsOf(index: number, mount: Mount, linux: Linux = {}): Linux {
  const { uidMappings = linux.uidMappings, gidMappings = linux.gidMappings } = mount;
  if (uidMappings?.length && gidMappings?.length) return { uidMappings, gidMappings };
  throw new OciError(
    `mounts[${index}]: idmap wants uidMappings and gidMappings, of the mount or of a new user namespace`,
  );
}

/** A descriptor of one that nobody is in. */
async function makeUserNamespace(maps: Linux): Promise<number> {
  let fd = -1;
  const program = launch({ namespaces: ['user'] }, (call) => {
    call.gate('maps');
    call.exit(0);
  });
  const { exited } = await start(program, {
    atGate: async (_, pid) => {
      await writeIdMaps(pid, maps);
      fd = openSync(`/proc/${pid}/ns/user`, 'r');
    },
  });
  await exited;
  return fd;
}
