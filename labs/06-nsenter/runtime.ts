/**
 * The runtime after lab 06: what lab 05 starts, unchanged, and a second list that puts a process into
 * the namespaces of a container that runs already. What joins brings along nothing but its program.
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
import type { JoinFunction } from '../../lib/lab/lab.ts';
import { launch } from '../../lib/launch/program.ts';
import { joinFlags } from '../../lib/namespaces/joining.ts';
import { giveAddress, giveRoute, raiseLoopback } from '../../lib/network/address.ts';
import { connectVeth, makeBridge } from '../../lib/network/bridge.ts';
import { allowForwarding, masquerade } from '../../lib/network/masquerade.ts';
import { nameServer } from '../../lib/network/names.ts';

export function runtime(container: Container): Runtime {
  const { rootfs, hostname, network, host } = container;
  const program = launch({ namespaces: ['mount', 'pid', 'uts', 'ipc', 'network'] }, (call) => {
    call.gate('network'); // the host lays the cable meanwhile
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
  return {
    prepare: [
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

export const join: JoinFunction = ({ pid, namespaces, argv, env }) =>
  launch({}, (call) => {
    const target = call.pidfdOpen(pid, 0); // this process, whoever has its number later
    call.setns(target, joinFlags(namespaces)); // all of them or none
    if (namespaces.includes('pid')) call.fork(0); // only a child is in the pid namespace
    execute(call, { argv, env });
  });
