/**
 * The runtime after lab 02: a mount table of its own. What it mounts, nobody else sees. The copy
 * still lists everything that the host has mounted.
 */
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import { MS_NODEV, MS_NOSUID, MS_PRIVATE, MS_REC } from '../../lib/kernel/constants.ts';
import { launch } from '../../lib/launch/program.ts';

export function runtime(container: Container): Runtime {
  const program = launch({ namespaces: ['mount'] }, (call) => {
    call.mount(null, '/', null, MS_REC | MS_PRIVATE); // what is mounted here stays here
    call.chroot(container.rootfs);
    call.chdir('/');
    call.mount('tmpfs', '/tmp', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777');
    execute(call, container);
  });
  return { prepare: [], program, connect: () => [] };
}
