/**
 * The runtime after lab 08: lab 06's, in a cgroup of version 2. The container's process is born in
 * it, has it as the root of its cgroup namespace, and gives up the right to mount, with which it
 * could reach the files of its own limits. Whoever joins is born in it as well.
 */
import { cgroupActions } from '../../lib/cgroups/actions.ts';
import type { Limits } from '../../lib/cgroups/limits.ts';
import { onlyV2 } from '../../lib/cgroups/plan.ts';
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import { numberOfCapability } from '../../lib/kernel/capabilities.ts';
import {
  CLONE_NEWCGROUP,
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
  PR_CAPBSET_DROP,
} from '../../lib/kernel/constants.ts';
import type { JoinFunction } from '../../lib/lab/lab.ts';
import { launch } from '../../lib/launch/program.ts';
import { joinFlags } from '../../lib/namespaces/joining.ts';
import { giveAddress, giveRoute, raiseLoopback } from '../../lib/network/address.ts';
import { connectVeth, makeBridge } from '../../lib/network/bridge.ts';
import { allowForwarding, masquerade } from '../../lib/network/masquerade.ts';
import { nameServer } from '../../lib/network/names.ts';
import { directoryOfCgroup, readMembership, V2 } from '../../lib/observe/membership.ts';

const CAP_SYS_ADMIN = numberOfCapability('CAP_SYS_ADMIN');

/** For whoever asks for nothing: far more processes than most need, far fewer than a machine has. */
const DEFAULTS: Limits = { pids: { max: 2048 } };

export function runtime(container: Container): Runtime {
  const { rootfs, hostname, network, host } = container;
  const limits = { ...DEFAULTS, ...container.limits };
  const cgroup = onlyV2(container.cgroup);
  const namespaces = ['mount', 'pid', 'uts', 'ipc', 'network'] as const;
  const program = launch({ namespaces, cgroup: cgroup.v2 }, (call) => {
    call.unshare(CLONE_NEWCGROUP); // not by the clone: its root would be our parent’s cgroup
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
    call.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN); // from execve on, nothing is mounted in here
    execute(call, container);
  });
  return {
    prepare: [
      makeBridge(network, host),
      allowForwarding(host),
      masquerade(network, host),
      nameServer(network, rootfs),
      ...cgroupActions(cgroup, limits),
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
  launch({ cgroup: cgroupOf(pid) }, (call) => {
    const target = call.pidfdOpen(pid, 0); // this process, whoever has its number later
    call.setns(target, joinFlags(namespaces)); // all of them or none
    if (namespaces.includes('pid')) call.fork(0); // only a child is in the pid namespace
    call.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN);
    execute(call, { argv, env });
  });

/** setns joins no cgroup: a namespace of them is a view, being in one is another thing. */
const cgroupOf = (pid: number) => directoryOfCgroup(V2, readMembership(pid)[V2] ?? '/');
