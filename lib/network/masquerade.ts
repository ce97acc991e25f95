/**
 * The way from a container's network to what lies beyond the host, and back. Nobody out there has a
 * route to the container's address, so the host forwards its packets under an address of its own
 * and keeps in mind whose answer it is that comes back: masquerading, a form of source NAT.
 *
 * nft(8), ip_forward in the kernel's Documentation/networking/ip-sysctl.rst
 */
import type { Action } from '../host/action.ts';
import { at, type Place, run } from './command.ts';
import type { NetworkPlan } from './plan.ts';

/** Forwarding that is on already is somebody else's and stays on. */
export const allowForwarding = (host: Place): Action => ({
  name: 'forwarding',
  shared: true,
  does: [run(host, 'sysctl -q -w net.ipv4.ip_forward=1')],
  undoes: [run(host, 'sysctl -q -w net.ipv4.ip_forward=0')],
  seen: { file: '/proc/sys/net/ipv4/ip_forward', holds: '1', ...at(host) },
});

/** In a table of its own: no rule of anybody else is changed. */
export const masquerade = (plan: NetworkPlan, host: Place): Action => ({
  name: `masquerade ${plan.subnet}`,
  shared: true,
  does: [{ do: 'run', argv: ['nft', '-f', '-'], input: rulesOf(plan), ...at(host) }],
  undoes: [run(host, `nft delete table ip ${plan.table}`)],
  seen: { argv: ['nft', 'list', 'table', 'ip', plan.table], ...at(host) },
});

const rulesOf = ({ table, subnet, bridge }: NetworkPlan) => `table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" counter masquerade
  }
}
`;
