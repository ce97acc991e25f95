import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Action, Inside } from '../host/action.ts';
import { runCommand } from '../host/command.ts';
import { type Host, openHost } from '../host/host.ts';
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

const FORWARD = 'net.ipv4.ip_forward';

async function run(inside: Inside, ...argv: string[]): Promise<string> {
  const { exitCode, output } = await runCommand(argv, { inside });
  expect(exitCode, output).toBe(0);
  return output;
}

/** All that a network shows of itself, as one text. */
async function look(host: Inside): Promise<string> {
  const names = listLinks(host).map(({ name, up }) => `${name} ${up}`);
  return [...names, ruleset(host), await run(host, 'sysctl', FORWARD)].join('\n');
}

/** `host` is a network namespace of its own, held by a server on its loopback. */
async function withHost(name: string, use: (host: Inside, owned: Host) => Promise<void>) {
  const owned = await openHost(name, state);
  const connect = async (pid: number) => {
    await run(networkOf(pid), 'ip', 'link', 'set', 'lo', 'up');
  };
  const id = `${name}-${process.pid}`;
  await using holder = await startServer({ address: '127.0.0.1', id, network: { connect } });
  const host = networkOf(holder.pid);
  // Taken over from the machine, where it may be on.
  await run(host, 'sysctl', '-w', `${FORWARD}=0`);
  try {
    await use(host, owned);
  } finally {
    await owned.undo();
  }
}

itNeeds(['root', 'ip', 'nft'], 'what a network has put on the host is gone when undone', () =>
  withHost('undone', async (host, owned) => {
    const plan = planNetwork('undone', 1);
    const before = await look(host);
    const connect = async (pid: number) => {
      const actions: Action[] = [
        makeBridge(plan, host),
        allowForwarding(host),
        masquerade(plan, host),
        connectVeth(plan, host, pid),
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
    const greeting = await run(host, 'bash', '-c', `cat < /dev/tcp/${plan.address}/${server.port}`);
    expect(greeting).toBe(`you are ${plan.gateway}\n`);
    expect(await look(host)).not.toBe(before);
    expect((await owned.undo()).failed).toEqual([]);
    expect(await look(host)).toBe(before);
  }),
);

itNeeds(['root', 'ip'], 'forwarding that was on before stays on', () =>
  withHost('forwarding', async (host, owned) => {
    await run(host, 'sysctl', '-w', `${FORWARD}=1`);
    await owned.do(allowForwarding(host));
    await owned.undo();
    expect(await run(host, 'sysctl', '-n', FORWARD)).toBe('1\n');
  }),
);

itNeeds(['root', 'ip'], 'the outside hears the host, and ends with what connects it', () =>
  withHost('outside', async (host, owned) => {
    const before = await look(host);
    const outside = await startOutside({ owned, place: host, tag: 'test' });
    const { address, host: ours, port } = OUTSIDE;
    await run(host, 'bash', '-c', `echo hello > /dev/udp/${address}/${port}`);
    expect(await outside.hear(/says/)).toBe(`${ours} says hello`);
    await outside.end();
    expect((await owned.undo()).failed).toEqual([]);
    expect(await look(host)).toBe(before);
  }),
);
