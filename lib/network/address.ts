/**
 * What is set up in the container's network namespace: its loopback interface, which a new
 * namespace has and which is down; an address; a way to all other addresses. The kernel derives
 * routes from what is up, so each of the three is seen as a destination that can be reached.
 *
 * ip-address(8), ip-route(8), network_namespaces(7)
 */
import type { Action } from '../host/action.ts';
import { networkOf, run } from './command.ts';
import type { NetworkPlan } from './plan.ts';

/** Any address outside every private network: only a default route leads to it. */
const ANYWHERE = '192.0.2.1';

/** 127.0.0.1 comes by itself as soon as the interface is up. */
export const raiseLoopback = (pid: number): Action => ({
  name: 'loopback',
  does: [run(networkOf(pid), 'ip link set lo up')],
  undoes: [],
  seen: reaches(pid, '127.0.0.1'),
});

/** With it comes the route to its own subnet. */
export const giveAddress = (plan: NetworkPlan, pid: number): Action => ({
  name: `address ${plan.address}`,
  does: [
    run(networkOf(pid), `ip address add ${plan.address}/${plan.prefix} dev ${plan.interface}`),
    run(networkOf(pid), `ip link set ${plan.interface} up`),
  ],
  undoes: [],
  seen: reaches(pid, plan.gateway),
});

/** Needs the address: a gateway has to lie in a subnet that has a route already. */
export const giveRoute = (plan: NetworkPlan, pid: number): Action => ({
  name: `default route via ${plan.gateway}`,
  does: [run(networkOf(pid), `ip route add default via ${plan.gateway}`)],
  undoes: [],
  seen: reaches(pid, ANYWHERE),
});

const reaches = (pid: number, address: string) => ({
  argv: ['ip', 'route', 'get', address],
  inside: networkOf(pid),
});
