/**
 * Where a registry answers: its name is its host, except Docker Hub's. Without TLS only this
 * machine's own addresses are spoken to, unless the caller says so.
 */
import { BlockList, isIP } from 'node:net';
import { DOCKER_HUB } from '../reference.ts';

const HUB_HOST = 'registry-1.docker.io';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** `plainHttp` left out: plain for loopback, TLS for all others. */
export function endpointOf(registry: string, plainHttp?: boolean): URL {
  const host = registry === DOCKER_HUB ? HUB_HOST : registry;
  const plain = plainHttp ?? isLoopback(host);
  return new URL(`${plain ? 'http' : 'https'}://${host}/`);
}

function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost') return true;
  const version = isIP(name);
  return version !== 0 && loopback.check(name, version === 4 ? 'ipv4' : 'ipv6');
}
