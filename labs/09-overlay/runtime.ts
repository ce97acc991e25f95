/**
 * The runtime after lab 09: what a container writes is its own. Its root is an overlay, the directory
 * that all containers share below, and a layer for this one on top.
 */
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import {
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
} from '../../lib/kernel/constants.ts';
import { launch } from '../../lib/launch/program.ts';
import { giveAddress, giveRoute, raiseLoopback } from '../../lib/network/address.ts';
import { connectVeth, makeBridge } from '../../lib/network/bridge.ts';
import { allowForwarding, masquerade } from '../../lib/network/masquerade.ts';
import { nameServer } from '../../lib/network/names.ts';
import { optionString } from '../../lib/overlay/options.ts';
import { makeLayers } from '../../lib/overlay/plan.ts';

export { join } from '../06-nsenter/runtime.ts';

export function runtime(container: Container): Runtime {
  const { rootfs, layers, hostname, network, host } = container;
  const program = launch({ namespaces: ['mount', 'pid', 'uts', 'ipc', 'network'] }, (call) => {
    call.gate('network'); // the host lays the cable meanwhile
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    // lowerdir is rootfs, upperdir this container's own. It is a mount point, too.
    call.mount('overlay', layers.merged, 'overlay', 0, optionString(layers));
    call.chdir(layers.merged);
    call.pivotRoot('.', '.');
    // While the host's proc is still mounted: without root, the kernel asks for it.
    call.mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    call.umount2('.', MNT_DETACH);
    call.mount('tmpfs', '/tmp', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777');
    call.sethostname(hostname);
    execute(call, container);
  });
  return {
    prepare: [
      makeLayers(layers),
      makeBridge(network, host),
      allowForwarding(host),
      masquerade(network, host),
      nameServer(network, rootfs),
    ],
    program,
    connect: (pid) => [
      connectVeth(network, host, pid),
      raiseLoopback(pid),
      giveAddress(network, pid),
      giveRoute(network, pid),
    ],
  };
}
