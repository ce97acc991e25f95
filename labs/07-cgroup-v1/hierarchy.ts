/**
 * A version 1 hierarchy of the lab's own, without a controller: nobody else's processes are limited
 * by it or told of by its release agent. It is mounted below the run's directory, so that it is in
 * the journal: a hierarchy that still has cgroups outlives its last mount.
 * cgroups(7), "Cgroups v1 hierarchies"
 */
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { openHost } from '../../lib/host/host.ts';
import { removeHierarchy } from '../../lib/host/remove-hierarchy.ts';
import type { Subject } from '../../lib/lab/subject.ts';

/** The cgroup in it that is left empty. */
export const LEFT = 'left';

export interface Hierarchy extends AsyncDisposable {
  /** mount -t cgroup -o none,name=NAME */
  name: string;
}

export async function openHierarchy({ rootfs }: Subject): Promise<Hierarchy> {
  const id = `${basename(dirname(rootfs))}-${randomBytes(2).toString('hex')}`;
  const host = await openHost(id);
  const path = `${host.directory}/hierarchy`;
  const dispose = async () => {
    const [failure] = (await host.undo()).failed;
    if (failure) throw failure.error;
  };
  try {
    await host.do({
      name: `hierarchy ${id}`,
      does: [
        { do: 'mkdir', path },
        {
          ...{ do: 'mount', source: 'none', target: path, fstype: 'cgroup', flags: 0 },
          data: `none,name=${id}`,
        },
      ],
      undoes: [
        { do: 'mkdir', path },
        // Before the last process goes, so that nothing is run any more.
        { do: 'write', path: `${path}/release_agent`, text: '\n' },
        { do: 'remove-cgroups', paths: [`${path}/${LEFT}`], parents: [] },
        { do: 'unmount', path },
        { do: 'run', argv: removeHierarchy(id, path) },
      ],
      seen: { mountPoint: path },
    });
  } catch (error) {
    await host.undo();
    throw error;
  }
  return { name: id, [Symbol.asyncDispose]: dispose };
}
