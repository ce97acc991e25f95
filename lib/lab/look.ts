/**
 * A look at a container from outside, most of all at a half-built one that waits between two lines
 * of its launch program: what /proc/PID shows, beside what it shows of this process. A process
 * that is being built still looks like its parent; each line makes one difference.
 *
 * proc(5), namespaces(7), mount_namespaces(7), capabilities(7)
 */
import { type Mount, propagationOf, readMountinfo } from '../observe/mountinfo.ts';
import { NAMESPACES, type Namespace, readNamespaces } from '../observe/namespaces.ts';
import { type Descriptor, readCwd, readFds, readRoot, readStatus } from '../observe/process.ts';

export interface NamespaceLook {
  kind: Namespace;
  /** For instance `mnt:[4026531841]`; null where it cannot be read. */
  link: string | null;
  /** It is another one than this process's. */
  differs: boolean;
}

export interface MountLook {
  count: number;
  /** In its table and not in ours, and the other way round. */
  added: readonly Mount[];
  removed: readonly Mount[];
  /** The same mount on the same place, with other options or another propagation. */
  changed: readonly { mountPoint: string; ours: string; theirs: string }[];
}

export interface Look {
  pid: number;
  namespaces: readonly NamespaceLook[];
  root: string;
  cwd: string;
  mounts: MountLook;
  /** Bit n is capability n. */
  capEff: bigint;
  descriptors: readonly Descriptor[];
}

/** Throws ObserveError when the process has ended or is not ours to look at. */
export function lookAt(pid: number): Look {
  const ours = readNamespaces('self');
  const theirs = readNamespaces(pid);
  return {
    pid,
    namespaces: NAMESPACES.map((kind) => ({
      kind,
      link: theirs[kind],
      differs: theirs[kind] !== null && theirs[kind] !== ours[kind],
    })),
    root: readRoot(pid),
    cwd: readCwd(pid),
    mounts: compareMounts(readMountinfo('self'), readMountinfo(pid)),
    capEff: readStatus(pid).capEff,
    descriptors: readFds(pid),
  };
}

/**
 * Two mount tables side by side. Ids say nothing here: a copied table has ids of its own. What is
 * mounted (device and its directory) and where decides.
 */
export function compareMounts(ours: readonly Mount[], theirs: readonly Mount[]): MountLook {
  const left = groupByIdentity(ours);
  const added: Mount[] = [];
  const changed: { mountPoint: string; ours: string; theirs: string }[] = [];
  for (const mount of theirs) {
    const twin = left.get(identityOf(mount))?.shift();
    if (!twin) {
      added.push(mount);
    } else if (settingOf(twin) !== settingOf(mount)) {
      const { mountPoint } = mount;
      changed.push({ mountPoint, ours: settingOf(twin), theirs: settingOf(mount) });
    }
  }
  return { count: theirs.length, added, removed: [...left.values()].flat(), changed };
}

function groupByIdentity(mounts: readonly Mount[]): Map<string, Mount[]> {
  return Map.groupBy(mounts, identityOf);
}

const identityOf = ({ device, root, mountPoint }: Mount) =>
  JSON.stringify([device, root, mountPoint]);

const settingOf = (mount: Mount) => `${mount.options.join(',')} ${propagationOf(mount)}`;
