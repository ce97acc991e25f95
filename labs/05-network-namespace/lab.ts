/** The guided steps of lab 05, in the order of its reading. */
import { defineLab } from '../../lib/lab/lab.ts';
import { OUTSIDE } from '../../lib/network/plan.ts';
import { startServer } from '../../lib/network/server.ts';
import * as pidNamespace from '../04-pid-namespace/runtime.ts';

const LOOPBACK = '127.0.0.1';

export default defineLab({
  steps: {
    reach: {
      title: 'Ask 127.0.0.1, under lab 04',
      run: async ({ subject, show }) => {
        const network = { pid: subject.host.pid };
        await using server = await startServer({ address: LOOPBACK, id: 'server', network });
        show(`(a server listens on ${LOOPBACK}:${server.port}, pid ${server.pid} on the host)`);
        await using box = await subject.under(pidNamespace, 'lab 04').start();
        await box.type(`bash -c 'cat < /dev/tcp/${LOOPBACK}/${server.port}'`);
      },
    },
    alone: {
      title: 'A new network namespace, and nothing else',
      run: async ({ host }) => {
        await host`unshare --net ip addr`;
        await host`unshare --net ping -c 1 127.0.0.1`;
        await host`readlink /proc/self/ns/net; unshare --net readlink /proc/self/ns/net`;
      },
    },
    cable: {
      title: 'With a cable in it',
      run: async ({ subject }) => {
        await using box = await subject.start();
        await box.type('ip -4 addr');
        await box.type('ip route');
        await box.type(`ping -c 1 -w 2 ${box.network.gateway}`);
      },
    },
    ends: {
      title: 'Both ends of the cable',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        const { bridge, veth } = box.network;
        await host`readlink /proc/self/ns/net /proc/${box.pid}/ns/net`;
        await host`nsenter --net=/proc/${box.pid}/ns/net ip -brief link show eth0`;
        await host`ip link show ${veth}`;
        await host`ip -brief -4 addr show ${bridge}`;
        await host`ping -c 1 -w 2 ${box.network.address} | grep received`;
      },
    },
    neighbours: {
      title: 'Two containers',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await using other = await subject.start();
        await host`ip -brief link show master ${box.network.bridge}`;
        await box.type(`ping -c 1 -w 2 ${other.network.address} | grep received`);
        await other.type(`ping -c 1 -w 2 ${box.network.address} | grep received`);
      },
    },
    beyond: {
      title: 'Beyond the host',
      run: async ({ subject, host, show }) => {
        const outside = await subject.outside();
        await using box = await subject.start();
        const { address, bridge, table } = box.network;
        await box.type('cat /etc/resolv.conf');
        await box.type(`getent ahostsv4 ${OUTSIDE.name} | head -n 1`);
        await box.type(`bash -c 'cat < /dev/tcp/${OUTSIDE.name}/${OUTSIDE.port}'`);
        show(`outside: ${await outside.hear(/greeted/)}`);
        await host`ip route get ${OUTSIDE.address} from ${address} iif ${bridge} | head -n 1`;
        await host`nft list table ip ${table}`;
      },
    },
    private: {
      title: 'Without masquerading',
      run: async ({ subject, host, show }) => {
        const outside = await subject.outside();
        await using box = await subject.start();
        const { bridge, subnet, table } = box.network;
        const say = async (word: string) => {
          const from = outside.lines.length;
          await box.type(`bash -c 'echo ${word} > /dev/udp/${OUTSIDE.address}/${OUTSIDE.port}'`);
          show(`outside: ${await outside.hear(new RegExp(word), { from })}`);
        };
        await say('hello');
        await host`nft flush chain ip ${table} postrouting`;
        await say('again');
        await host`nsenter --net=/proc/${outside.pid}/ns/net ip route get ${box.network.address}`;
        await host`nft add rule ip ${table} postrouting ip saddr ${subnet} oifname != ${bridge} counter masquerade`;
        await say('hello');
      },
    },
    cut: {
      title: 'One end gone',
      run: async ({ subject, host }) => {
        await using box = await subject.start();
        await host`ip link delete ${box.network.veth}`;
        await box.type('ip -brief link');
        await box.type(`ping -c 1 -w 2 ${box.network.gateway}`);
      },
    },
  },
  task: {
    lines: [
      'The process must have a network namespace of its own, with its loopback interface up,',
      'an eth0 with the address of container.network, and a default route to its gateway;',
      'the other end of eth0 is a port of a bridge on the host, which forwards and masquerades;',
      'names are asked of the plan’s name server. lib/network has an action for each of these.',
    ],
    before: 'call.mount(null',
    hints: [
      'The namespace is one word. What is in it can only be put there by somebody who is outside and has its pid: when is that, and what does the program do until then?',
      "Add 'network' to the namespaces and call.gate('network') as the first line. prepare makes what is there once: makeBridge, allowForwarding, masquerade, nameServer. connect gets the pid.",
      'connect: (pid) => [connectVeth(network, host, pid), raiseLoopback(pid), giveAddress(network, pid), giveRoute(network, pid)], with { network, host } of the container.',
    ],
  },
});
