/**
 * The runtime after lab 04: its own process numbers, host name and System V objects. It is pid 1
 * of what it can see, and cannot name a process of the host. It still has the host's network.
 */
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import {
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
} from '../../lib/kernel/constants.ts';
import { launch } from '../../lib/launch/program.ts';

export function runtime(container: Container): Runtime {
  const { rootfs, hostname } = container;
  const program = launch({ namespaces: ['mount', 'pid', 'uts', 'ipc'] }, (call) => {
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    call.mount(rootfs, rootfs, null, MS_BIND | MS_REC);
    call.chdir(rootfs);
    call.pivotRoot('.', '.');
    // While the host's proc is still mounted: without root, the kernel asks for it.
    call.mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    call.umount2('.', MNT_DETACH);
    call.mount('tmpfs', '/tmp', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777');
    call.sethostname(hostname);
    execute(call, container);
  });
  return { prepare: [], program, connect: () => [] };
}
