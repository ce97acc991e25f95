/**
 * What lies beyond a lab's host: another network namespace, one cable away, with a server in it
 * that has a name. It knows the way to the host's address on that cable and to nothing behind it,
 * as the internet does not know the way to a private network.
 *
 *   container ── bridge ── the lab's host ──────────── outside
 *   10.a.b.2     10.a.b.1           203.0.113.1       203.0.113.10
 *
 * network_namespaces(7), RFC 5737
 */
import type { Action } from '../host/action.ts';
import type { Host } from '../host/host.ts';
import { at, networkOf, type Place, run } from './command.ts';
import { OUTSIDE } from './plan.ts';
import { type Server, startServer } from './server.ts';

export interface OutsideOptions {
  /** Its changes go through this run's journal. */
  owned: Host;
  /** Where the lab's host is. */
  place: Place;
  /** A few letters and digits, as for planNetwork. */
  tag: string;
}

/** Made, connected, and listening when it resolves. Throws HostError or LaunchError. */
export async function startOutside({ owned, place, tag }: OutsideOptions): Promise<Server> {
  const id = `${owned.run}-outside`;
  await owned.do({
    name: `processes of ${id}`,
    does: [],
    undoes: [{ do: 'end-processes', container: id }],
    seen: { processesOf: id },
  });
  const { address, port, name } = OUTSIDE;
  const connect = (pid: number) => owned.do(cable(`out-${tag}`, place, pid));
  return startServer({ address, port, name, id, network: { connect } });
}

function cable(link: string, place: Place, pid: number): Action {
  const { address, host, prefix } = OUTSIDE;
  const outside = networkOf(pid);
  return {
    name: `cable ${link}`,
    does: [
      run(place, `ip link add ${link} type veth peer name eth0 netns ${pid}`),
      run(place, `ip address add ${host}/${prefix} dev ${link}`),
      run(place, `ip link set ${link} up`),
      run(outside, `ip address add ${address}/${prefix} dev eth0`),
      run(outside, 'ip link set eth0 up'),
    ],
    undoes: [run(place, `ip link delete ${link}`)],
    seen: { link, ...at(place) },
  };
}
