/**
 * A bridge is a switch that the kernel makes of software; a veth pair is a cable whose two ends are
 * network interfaces. One end goes into the container's network namespace, the other is plugged
 * into the bridge on the host. The bridge has an address too, so that the host is on the same
 * network as its containers.
 *
 * - `makeBridge`: once for all containers of a run
 * - `connectVeth`: for each container, while it waits at its gate
 *
 * veth(4), ip-link(8), bridge(8)
 */
import type { Action } from '../host/action.ts';
import { at, type Place, run } from './command.ts';
import type { NetworkPlan } from './plan.ts';

/** The host's end of everything. Links that are its ports go on without it when it is deleted. */
export const makeBridge = (plan: NetworkPlan, host: Place): Action => ({
  name: `bridge ${plan.bridge}`,
  shared: true,
  does: [
    run(host, `ip link add ${plan.bridge} address ${plan.mac} type bridge`),
    run(host, `ip address add ${plan.gateway}/${plan.prefix} dev ${plan.bridge}`),
    run(host, `ip link set ${plan.bridge} up`),
  ],
  undoes: [run(host, `ip link delete ${plan.bridge}`)],
  seen: { link: plan.bridge, ...at(host) },
});

/**
 * One end in the network namespace of `pid`, the other a port of the bridge. Whichever end is
 * deleted, or goes with its namespace, takes the other along.
 */
export const connectVeth = (plan: NetworkPlan, host: Place, pid: number): Action => ({
  name: `veth ${plan.veth}`,
  does: [
    run(host, `ip link add ${plan.veth} type veth peer name ${plan.interface} netns ${pid}`),
    run(host, `ip link set ${plan.veth} master ${plan.bridge} up`),
  ],
  undoes: [run(host, `ip link delete ${plan.veth}`)],
  seen: { link: plan.veth, ...at(host) },
});
