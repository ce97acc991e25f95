/**
 * Links, addresses, routes and packet filter rules of a network namespace: ours, or that of any
 * process. A veth end names its peer by interface index, and by the id that this namespace gives to
 * the other one when the peer lives elsewhere.
 *
 * ip-link(8), ip-address(8), ip-route(8), veth(4), network_namespaces(7), nft(8)
 */
import { findCommand, readCommand } from './command.ts';

/** A process in the network namespace to look at; undefined means our own. */
export type NetworkOf = { pid: number } | undefined;

export interface Address {
  address: string;
  prefix: number;
  family: 'inet' | 'inet6';
}

export interface Link {
  name: string;
  index: number;
  /** The other end of a veth, or the link that this one lies on; null when there is none. */
  peerIndex: number | null;
  /** Our id for the namespace that the peer is in; null when the peer is in this one. */
  linkNetnsId: number | null;
  /** UP, DOWN, UNKNOWN (loopback), LOWERLAYERDOWN (peer is down) … */
  state: string;
  /** Administratively up, whatever the state. */
  up: boolean;
  /** `veth`, `bridge`, `vxlan` …; null for loopback and hardware. */
  kind: string | null;
  /** Name of the bridge that this link is a port of. */
  master: string | null;
  mac: string | null;
  addresses: Address[];
}

export interface Route {
  /** A prefix such as `10.0.0.0/24`, or `default`. */
  destination: string;
  gateway: string | null;
  device: string | null;
  source: string | null;
  family: 'inet' | 'inet6';
}

interface IpLink {
  ifindex: number;
  ifname: string;
  link?: string | null;
  link_index?: number;
  link_netnsid?: number;
  flags: string[];
  operstate: string;
  master?: string;
  address?: string;
  linkinfo?: { info_kind?: string };
  addr_info: { family: string; local?: string; prefixlen: number }[];
}

interface IpRoute {
  dst: string;
  gateway?: string;
  dev?: string;
  prefsrc?: string;
}

/** Links by index. Throws ObserveError when `ip` is missing or the namespace cannot be entered. */
export function listLinks(netns?: NetworkOf): Link[] {
  return parseLinks(readCommand('ip', ['-j', '-d', 'addr'], netns));
}

/** The output of `ip -j -d addr`. */
export function parseLinks(json: string): Link[] {
  // ip prints an empty object for every link that a filter of its own leaves out.
  const found = parseJson<IpLink>(json).filter((link) => link.ifname !== undefined);
  const indexOf = new Map(found.map((link) => [link.ifname, link.ifindex]));
  return found.map((link) => ({
    name: link.ifname,
    index: link.ifindex,
    peerIndex: link.link_index ?? (link.link ? (indexOf.get(link.link) ?? null) : null),
    linkNetnsId: link.link_netnsid ?? null,
    state: link.operstate,
    up: link.flags.includes('UP'),
    kind: link.linkinfo?.info_kind ?? null,
    master: link.master ?? null,
    mac: link.address ?? null,
    addresses: link.addr_info.flatMap(({ family, local, prefixlen }) =>
      isFamily(family) && local ? [{ address: local, prefix: prefixlen, family }] : [],
    ),
  }));
}

/** Routes of the main table, IPv4 then IPv6. Throws ObserveError like `listLinks`. */
export function listRoutes(netns?: NetworkOf): Route[] {
  return (['inet', 'inet6'] as const).flatMap((family) => {
    const json = readCommand('ip', ['-j', '-f', family, 'route'], netns);
    return parseJson<IpRoute>(json).map((route) => ({
      destination: route.dst,
      gateway: route.gateway ?? null,
      device: route.dev ?? null,
      source: route.prefsrc ?? null,
      family,
    }));
  });
}

/**
 * Packet filter rules, without counters, comments and dates, so that two equal rule sets read
 * equal. Null when no tool that could show them is installed. Throws ObserveError when one is and
 * fails, as for an ordinary user.
 */
export function ruleset(netns?: NetworkOf): string | null {
  const parts: string[] = [];
  if (findCommand('nft')) parts.push(readCommand('nft', ['-s', 'list', 'ruleset'], netns));
  for (const save of ['iptables-save', 'ip6tables-save']) {
    if (findCommand(save)) parts.push(stripSave(readCommand(save, [], netns)));
  }
  return parts.length === 0 ? null : parts.join('');
}

function stripSave(text: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines.map((line) => line.replace(/ \[\d+:\d+\]$/, '')).join('\n');
}

function isFamily(family: string): family is Address['family'] {
  return family === 'inet' || family === 'inet6';
}

/** Where there is nothing to list, some versions of ip print no JSON at all. */
function parseJson<T>(json: string): T[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as T[]);
}
