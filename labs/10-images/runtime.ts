/**
 * The runtime after lab 10: what lies below belongs to an image, which others have too, and nobody
 * writes into it. What the host has to tell a container is in a layer between the two.
 */
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import { initLayer } from '../../lib/image/init-layer.ts';
import { unpackImage } from '../../lib/image/unpack-image.ts';
import {
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
} from '../../lib/kernel/constants.ts';
import type { UnpackFunction } from '../../lib/lab/lab.ts';
import { launch } from '../../lib/launch/program.ts';
import { giveAddress, giveRoute, raiseLoopback } from '../../lib/network/address.ts';
import { connectVeth, makeBridge } from '../../lib/network/bridge.ts';
import { allowForwarding, masquerade } from '../../lib/network/masquerade.ts';
import { optionString } from '../../lib/overlay/options.ts';
import { makeLayers } from '../../lib/overlay/plan.ts';

export { join } from '../06-nsenter/runtime.ts';

export function runtime(container: Container): Runtime {
  const { layers, hostname, network, host } = container;
  const init = initLayer(layers.directory, { hostname, ...network });
  const lowers = [init.diff, ...layers.lowers];
  const program = launch({ namespaces: ['mount', 'pid', 'uts', 'ipc', 'network'] }, (call) => {
    call.gate('network');
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    // lowerdir: the init layer, then the image's; upperdir: this container's.
    call.mount('overlay', layers.merged, 'overlay', 0, optionString({ ...layers, lowers }));
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
      init.action,
      makeBridge(network, host),
      allowForwarding(host),
      masquerade(network, host),
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

/** Each layer into a directory of its own, named by what it holds: no link leads to another's. */
export const unpack: UnpackFunction = unpackImage;
