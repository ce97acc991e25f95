/**
 * Who has which name and address on a container network: one bridge for a run, on it one veth pair
 * for each container. Names fit into the kernel's 15 characters (IFNAMSIZ).
 */
import { createHash } from 'node:crypto';

export interface NetworkPlan {
  /** On the host. */
  bridge: string;
  /** Its hardware address. Left to itself it takes one of its ports’, and changes with them. */
  mac: string;
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
  /** Who is asked for names. */
  nameserver: string;
}

/** What lies beyond a lab's host; the addresses are those that RFC 5737 keeps for documentation. */
export const OUTSIDE = {
  name: 'outside.test',
  address: '203.0.113.10',
  /** The host's own address on that side. */
  host: '203.0.113.1',
  prefix: 24,
  /** Where it greets (TCP) and listens (UDP). */
  port: 80,
} as const;

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
    // 02: given by an administrator, not by a manufacturer.
    mac: `02:0a:${hex(200 + (a % 50))}:${hex(b)}:00:01`,
    gateway: `${network}.1`,
    address: `${network}.${nth + 1}`,
    prefix: 24,
    subnet: `${network}.0/24`,
    veth: `ubx${nth}-${tag}`,
    interface: 'eth0',
    table: `ubx_${tag}`,
    nameserver: OUTSIDE.address,
  };
}

const hex = (byte: number) => byte.toString(16).padStart(2, '0');
