/**
 * Who has which name and address on a container network: one bridge for a run, on it one veth pair
 * for each container. Names fit into the kernel's 15 characters (IFNAMSIZ).
 */
import { createHash } from 'node:crypto';

export interface NetworkPlan {
  /** On the host. */
  bridge: string;
  /** The bridge's own address: the container's default route. */
  gateway: string;
  address: string;
  /** Length of the network's prefix, in bits. */
  prefix: number;
  /** `10.210.7.0/24` */
  subnet: string;
  /** The host's end of the veth pair. */
  veth: string;
  /** The container's end. */
  interface: string;
  /** A packet filter table of this run's own. */
  table: string;
}

/**
 * The plan for the `nth` container (1 to 250) of a run named `tag`, a few letters and digits. The
 * subnet follows from the tag, so that two runs on one machine rarely meet.
 */
export function planNetwork(tag: string, nth: number): NetworkPlan {
  if (nth < 1 || nth > 250) throw new RangeError(`container ${nth} of a run: 1 to 250`);
  const [a = 0, b = 0] = createHash('sha256').update(tag).digest();
  const network = `10.${200 + (a % 50)}.${b}`;
  return {
    bridge: `ubx-${tag}`,
    gateway: `${network}.1`,
    address: `${network}.${nth + 1}`,
    prefix: 24,
    subnet: `${network}.0/24`,
    veth: `ubx${nth}-${tag}`,
    interface: 'eth0',
    table: `ubx_${tag}`,
  };
}
