import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Action } from '../host/action.ts';
import { type Host, openHost } from '../host/host.ts';
import { startLabHost } from '../lab/lab-host.ts';
import type { LabHost } from '../lab/subject.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { listLinks, ruleset } from '../observe/network.ts';
import { giveAddress, giveRoute, raiseLoopback } from './address.ts';
import { connectVeth, makeBridge } from './bridge.ts';
import { networkOf } from './command.ts';
import { allowForwarding, masquerade } from './masquerade.ts';
import { startOutside } from './outside.ts';
import { OUTSIDE, planNetwork } from './plan.ts';
import { startServer } from './server.ts';

const state = mkdtempSync(join(tmpdir(), 'unboxed-network-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

const FORWARD = ['cat', '/proc/sys/net/ipv4/ip_forward'];

/** All that a network shows of itself, as one text. */
async function look(host: LabHost): Promise<string> {
  const names = listLinks({ pid: host.pid }).map(({ name, up }) => `${name} ${up}`);
  return [...names, ruleset({ pid: host.pid }), await host.run(FORWARD)].join('\n');
}

async function withHost(name: string, use: (host: LabHost, owned: Host) => Promise<void>) {
  const host = await startLabHost(`${name}-${process.pid}`);
  const owned = await openHost(name, state);
  try {
    await use(host, owned);
  } finally {
    await owned.undo();
    await host.end();
  }
}

itNeeds(['root', 'ip', 'nft'], 'what a network has put on the host is gone when undone', () =>
  withHost('undone', async (host, owned) => {
    const place = networkOf(host.pid);
    const plan = planNetwork('undone', 1);
    const before = await look(host);
    const connect = async (pid: number) => {
      const actions: Action[] = [
        makeBridge(plan, place),
        allowForwarding(place),
        masquerade(plan, place),
        connectVeth(plan, place, pid),
        raiseLoopback(pid),
        giveAddress(plan, pid),
        giveRoute(plan, pid),
      ];
      for (const action of actions) {
        expect(await owned.isThere(action), action.name).toBe(false);
        await owned.do(action);
        expect(await owned.isThere(action), action.name).toBe(true);
      }
    };
    await using server = await startServer({
      address: plan.address,
      id: `undone-${process.pid}-server`,
      network: { connect },
    });
    const greeting = await host.run([
      'bash',
      '-c',
      `cat < /dev/tcp/${plan.address}/${server.port}`,
    ]);
    expect(greeting).toBe(`you are ${plan.gateway}\n`);
    expect(await look(host)).not.toBe(before);
    expect((await owned.undo()).failed).toEqual([]);
    expect(await look(host)).toBe(before);
  }),
);

itNeeds(['root', 'ip'], 'forwarding that was on before stays on', () =>
  withHost('forwarding', async (host, owned) => {
    await host.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
    await owned.do(allowForwarding(networkOf(host.pid)));
    await owned.undo();
    expect(await host.run(FORWARD)).toBe('1\n');
  }),
);

itNeeds(['root', 'ip'], 'the outside hears the host, and ends with what connects it', () =>
  withHost('outside', async (host, owned) => {
    const before = await look(host);
    const place = networkOf(host.pid);
    const outside = await startOutside({ owned, place, tag: 'test' });
    const { address, host: ours, port } = OUTSIDE;
    await host.run(['bash', '-c', `echo hello > /dev/udp/${address}/${port}`]);
    expect(await outside.hear(/says/)).toBe(`${ours} says hello`);
    await outside.end();
    expect((await owned.undo()).failed).toEqual([]);
    expect(await look(host)).toBe(before);
  }),
);
