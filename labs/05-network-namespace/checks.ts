/**
 * Evidence for lab 05: a network that is not the host's, what is in it, where its cable ends on the
 * host, and what somebody outside sees of it.
 * network_namespaces(7), veth(4), ip-link(8), nft(8)
 */
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { OUTSIDE } from '../../lib/network/plan.ts';
import { namespaceInode } from '../../lib/observe/namespaces.ts';
import { type Link, listLinks, listRoutes } from '../../lib/observe/network.ts';

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  const outside = await subject.outside();
  await using box = await subject.start();
  const host = subject.host.pid;
  yield ownNetwork(box.pid, host);
  const links = listLinks({ pid: box.pid });
  const there = listLinks({ pid: host });
  yield loopback(box.pid, links);
  yield address(box, links);
  yield cable(box, links, there);
  yield gateway(box, host, there);
  yield route(box);
  yield await heardOutside(box, subject, outside);
  yield await resolves(box, outside);
}

type Outside = Awaited<ReturnType<Subject['outside']>>;

function ownNetwork(pid: number, host: number): Finding {
  const [own, theirs] = [namespaceInode(pid, 'network'), namespaceInode(host, 'network')];
  return judge('its network namespace is not the host’s', own !== theirs, {
    expected: `not net:[${theirs}]`,
    seen: `net:[${own}]`,
    where: `/proc/${pid}/ns/net and /proc/${host}/ns/net`,
    hint: 'the process was cloned without CLONE_NEWNET',
  });
}

const describeAddresses = (link: Link | undefined) => {
  if (!link) return 'no such interface';
  const own = link.addresses.filter(({ family }) => family === 'inet');
  const texts = own.map((each) => `${each.address}/${each.prefix}`);
  return [link.up ? 'up' : 'down', ...texts].join(' ');
};

const where = (pid: number, command: string) => `nsenter --net=/proc/${pid}/ns/net ${command}`;

function loopback(pid: number, links: readonly Link[]): Finding {
  return compare('its loopback interface is up', {
    expected: 'up 127.0.0.1/8',
    seen: describeAddresses(links.find(({ name }) => name === 'lo')),
    where: where(pid, 'ip addr show lo'),
    hint: 'a new namespace has a loopback interface, and it is down: ip link set lo up',
  });
}

function address({ pid, network }: Running, links: readonly Link[]): Finding {
  const link = links.find(({ name }) => name === network.interface);
  return compare(`its ${network.interface} is up and has the address that was planned`, {
    expected: `up ${network.address}/${network.prefix}`,
    seen: describeAddresses(link),
    where: where(pid, `ip addr show ${network.interface}`),
    hint: link
      ? 'an interface arrives down and without an address: both are set in the container’s namespace'
      : 'no end of a veth pair is in the namespace: ip link add … type veth peer name … netns PID',
  });
}

function cable({ pid, network }: Running, own: readonly Link[], there: readonly Link[]): Finding {
  const inner = own.find(({ name }) => name === network.interface);
  const outer = there.find(({ index }) => index === inner?.peerIndex);
  const seen = outer
    ? `${outer.name} on ${outer.master ?? 'no bridge'}`
    : 'no interface of the host';
  return compare('the other end of it is a port of the bridge', {
    expected: `${network.veth} on ${network.bridge}`,
    seen: inner?.linkNetnsId === null ? 'an interface of the same namespace' : seen,
    where: `@if${inner?.peerIndex ?? '?'} of ${network.interface} in ${pid}, ip link on the host`,
    hint: outer
      ? 'a cable that is plugged in nowhere: ip link set … master BRIDGE up'
      : 'what is made with one end in the container has its other end on the host',
  });
}

function gateway({ network }: Running, host: number, there: readonly Link[]): Finding {
  const { bridge, prefix } = network;
  return compare('the bridge is up and is the gateway', {
    expected: `up ${network.gateway}/${prefix}`,
    seen: describeAddresses(there.find(({ name }) => name === bridge)),
    where: where(host, `ip addr show ${bridge}`),
    hint: 'the host takes part in the network by an address on the bridge itself',
  });
}

function route({ pid, network }: Running): Finding {
  const routes = listRoutes({ pid });
  const found = routes.find(
    ({ destination, family }) => destination === 'default' && family === 'inet',
  );
  return compare('all else goes to the gateway', {
    expected: `default via ${network.gateway} dev ${network.interface}`,
    seen: found ? `default via ${found.gateway} dev ${found.device}` : 'no default route',
    where: where(pid, 'ip route'),
    hint: 'with an address comes the route to its subnet and no other: ip route add default via …',
  });
}

/** One datagram, to an address: neither a name nor an answer is needed for it to be heard. */
async function heardOutside(box: Running, subject: Subject, outside: Outside): Promise<Finding> {
  const { address: to, port, host } = OUTSIDE;
  const from = outside.lines.length;
  await box.type(`bash -c 'echo ${box.id} > /dev/udp/${to}/${port}'`);
  const line = await outside.hear(new RegExp(` says ${box.id}$`), { from });
  return compare('outside it is heard under the host’s address', {
    expected: `${host} says ${box.id}`,
    seen: line ?? 'nothing',
    where: `pid ${outside.pid}, which listens outside on ${to}`,
    hint:
      line === null
        ? await whyNothing(box, subject)
        : 'nobody outside can answer this address: masquerade it',
  });
}

async function whyNothing({ network }: Running, { host }: Subject): Promise<string> {
  const forwards = await host.run(['cat', '/proc/sys/net/ipv4/ip_forward']);
  return forwards.trim() === '1'
    ? `does it reach ${network.gateway}? mend the checks above first`
    : 'the host drops what is not for itself: net.ipv4.ip_forward is 0';
}

/** The server outside confirms that it was asked; the address is what the container's libc made of it. */
async function resolves(box: Running, outside: Outside): Promise<Finding> {
  const { name, address: known } = OUTSIDE;
  const from = outside.lines.length;
  const printed = await box.type(`getent ahostsv4 ${name} | head -n 1`);
  const asked = outside.lines.slice(from).some((line) => line.endsWith(` asks for ${name}`));
  const answer = printed.split(/\s/)[0] || 'no address';
  return compare(`${name} has an address, and the server outside was asked for it`, {
    expected: `${known}, asked`,
    seen: `${answer}, ${asked ? 'asked' : 'not asked'}`,
    where: `getent in the container, pid ${outside.pid} outside, /proc/${box.pid}/root/etc/resolv.conf`,
    hint: asked
      ? 'the question arrived, its answer did not'
      : 'the C library asks whom /etc/resolv.conf names; the container’s names nobody, or nobody who can be reached',
  });
}
