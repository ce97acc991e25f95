import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { itNeeds } from './it-needs.ts';
import { namespaceInode } from './namespaces.ts';
import { listLinks, listRoutes, parseLinks, ruleset } from './network.ts';
import { readCmdline } from './process.ts';

/** A process in a network namespace of its own, while `prove` runs. */
async function withNetwork(
  prove: (netns: { pid: number }, run: (command: string) => void) => void | Promise<void>,
): Promise<void> {
  const child = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const ours = namespaceInode('self', 'network');
  try {
    await expect.poll(() => namespaceInode(pid, 'network')).not.toBe(ours);
    await prove({ pid }, (command) => {
      execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'sh', '-ec', command]);
    });
  } finally {
    child.kill();
  }
}

itNeeds(['linux', 'ip'], 'our links have the indexes and addresses of /sys/class/net', () => {
  const names = readdirSync('/sys/class/net').filter((name) => name !== 'bonding_masters');
  const attribute = (name: string, file: string) =>
    readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  const theirs = names.map((name) => [
    name,
    Number(attribute(name, 'ifindex')),
    attribute(name, 'address'),
    attribute(name, 'operstate').toUpperCase(),
  ]);
  const ours = listLinks().map(({ name, index, mac, state }) => [name, index, mac, state]);
  expect(ours.sort()).toEqual(theirs.sort());
});

itNeeds(['root', 'ip', 'nsenter', 'unshare'], 'a fresh network has only a loopback, down', () =>
  withNetwork((netns) => {
    expect(listLinks(netns)).toMatchObject([
      {
        name: 'lo',
        index: 1,
        up: false,
        state: 'DOWN',
        kind: null,
        peerIndex: null,
        addresses: [],
      },
    ]);
    expect(listRoutes(netns)).toEqual([]);
  }),
);

itNeeds(['root', 'ip', 'nsenter', 'unshare'], 'veth ends name each other in one network', () =>
  withNetwork((netns, run) => {
    run(`ip link add veth1 type veth peer name veth2; ip link add br0 type bridge
      ip link set veth2 master br0`);
    const links = new Map(listLinks(netns).map((link) => [link.name, link]));
    const [one, two] = [links.get('veth1'), links.get('veth2')];
    expect(one?.peerIndex).toBe(two?.index);
    expect(two?.peerIndex).toBe(one?.index);
    expect(one).toMatchObject({ kind: 'veth', linkNetnsId: null, master: null });
    expect(two?.master).toBe('br0');
    expect(links.get('br0')?.kind).toBe('bridge');
  }),
);

itNeeds(['root', 'ip', 'nsenter', 'unshare'], 'a peer in another network has a netns id', () =>
  withNetwork((host, run) =>
    withNetwork((guest) => {
      run(`ip link add veth7 type veth peer name eth0 netns ${guest.pid}`);
      const outer = listLinks(host).find(({ name }) => name === 'veth7');
      const inner = listLinks(guest).find(({ name }) => name === 'eth0');
      expect(outer?.peerIndex).toBe(inner?.index);
      expect(inner?.peerIndex).toBe(outer?.index);
      expect(outer?.linkNetnsId).toBe(0);
      expect(inner?.linkNetnsId).toBe(0);
    }),
  ),
);

itNeeds(['root', 'ip', 'nsenter', 'unshare'], 'addresses and routes are those that were set', () =>
  withNetwork((netns, run) => {
    run(`ip link add eth7 type bridge; ip addr add 10.9.8.7/24 dev eth7; ip link set eth7 up
      ip route add default via 10.9.8.1; ip -6 addr add fd00:9::7/64 dev eth7 nodad`);
    const link = listLinks(netns).find(({ name }) => name === 'eth7');
    expect(link?.up).toBe(true);
    expect(link?.addresses).toContainEqual({ address: '10.9.8.7', prefix: 24, family: 'inet' });
    expect(link?.addresses).toContainEqual({ address: 'fd00:9::7', prefix: 64, family: 'inet6' });
    const routes = listRoutes(netns);
    expect(routes).toContainEqual({
      destination: 'default',
      gateway: '10.9.8.1',
      device: 'eth7',
      source: null,
      family: 'inet',
    });
    expect(routes).toContainEqual({
      destination: '10.9.8.0/24',
      gateway: null,
      device: 'eth7',
      source: '10.9.8.7',
      family: 'inet',
    });
    expect(routes.map(({ destination }) => destination)).toContain('fd00:9::/64');
  }),
);

itNeeds(
  ['root', 'userns', 'setpriv', 'ip', 'nsenter', 'unshare'],
  'without any capability, a network owned by an own user namespace opens too',
  async () => {
    const powerless = ['--bounding-set=-all', '--inh-caps=-all'];
    // No id map: mapping uid 0 would need CAP_SETFCAP.
    const command = ['unshare', '--user', '--net', 'sleep', '60'];
    const child = spawn('setpriv', [...powerless, ...command], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    try {
      await expect.poll(() => readCmdline(pid)[0]).toBe('sleep');
      const script = `import { listLinks } from '${import.meta.dirname}/network.ts';
        console.log(listLinks({ pid: ${pid} }).map(({ name }) => name).join());`;
      const node = [process.execPath, '--input-type=module', '-e', script];
      expect(String(execFileSync('setpriv', [...powerless, ...node]))).toBe('lo\n');
    } finally {
      child.kill();
    }
  },
);

itNeeds(['root', 'nft', 'ping', 'unshare'], 'rules are seen, without their counters', () =>
  withNetwork((netns, run) => {
    expect(ruleset(netns)?.trim()).toBe('');
    run(`ip link set lo up; nft add table ip t
      nft add chain ip t c '{ type filter hook output priority 0; }'
      nft add rule ip t c ip daddr 127.0.0.1 counter`);
    const before = ruleset(netns);
    expect(before).toMatch(/table ip t \{[\s\S]*ip daddr 127\.0\.0\.1 counter\n/);
    run('ping -c 1 -W 1 127.0.0.1; nft list ruleset | grep -q "packets [1-9]"');
    expect(ruleset(netns)).toBe(before);
  }),
);

it('nothing at all, and the empty objects that ip prints, are no links', () => {
  expect(parseLinks('')).toEqual([]);
  expect(parseLinks('[{},{}]')).toEqual([]);
});

itNeeds(['root', 'ip', 'nsenter'], 'a process that is gone is an error that names it', () => {
  expect(() => listLinks({ pid: 2 ** 30 })).toThrow(/nsenter --net=\/proc\/1073741824\/ns\/net/);
});
