/**
 * The runtime after lab 03: the root of the mount table itself is the container's directory, and
 * the host's tree is no longer anywhere in it. There is nothing left to climb to.
 */
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import {
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
} from '../../lib/kernel/constants.ts';
import { launch } from '../../lib/launch/program.ts';

export function runtime(container: Container): Runtime {
  const { rootfs } = container;
  const program = launch({ namespaces: ['mount'] }, (call) => {
    call.mount(null, '/', null, MS_REC | MS_PRIVATE); // pivot_root refuses a shared parent
    call.mount(rootfs, rootfs, null, MS_BIND | MS_REC); // and wants a mount point
    call.chdir(rootfs);
    call.pivotRoot('.', '.'); // the old root now lies on top of the new one
    call.umount2('.', MNT_DETACH); // and is taken away
    call.mount('tmpfs', '/tmp', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777');
    execute(call, container);
  });
  return { prepare: [], program, connect: () => [] };
}
