/**
 * What if … a program asks 127.0.0.1 for what another one serves there? And what if it is root, and
 * listens to everything that passes?
 * network_namespaces(7), packet(7)
 */
import { randomBytes } from 'node:crypto';
import { AF_PACKET, ETH_P_IP, SOCK_RAW } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import { startServer } from '../../lib/network/server.ts';

const LOOPBACK = '127.0.0.1';

const askLoopback: Attack = {
  name: 'ask-loopback',
  title: 'reach a service that listens on the host’s 127.0.0.1',
  stoppedBy: '05',
  run: async (subject) => {
    const { pid } = subject.host;
    await using service = await startServer({ address: LOOPBACK, id: 'victim', network: { pid } });
    await using box = await subject.start();
    const seen = await box.type(
      `bash -c 'cat < /dev/tcp/${LOOPBACK}/${service.port}' 2>&1 | tail -n 1`,
    );
    return {
      succeeded: service.lines.includes(`${LOOPBACK} is greeted`),
      seen,
      where: `a connection to ${LOOPBACK}:${service.port}, where pid ${service.pid} listens on the host`,
    };
  },
};

/** In network byte order. Over IPv6 there is talk that nobody began: router solicitations. */
const IPV4 = ETH_P_IP >> 8;

/** Where nobody listens; whoever sniffs hears it all the same. */
const DISCARD = 9;

/** The descriptor of the packet socket; the shell keeps it. */
const EAR = 5;

const sniff: Attack = {
  name: 'sniff',
  title: 'read what two programs on the host say to each other',
  stoppedBy: '05',
  run: async (subject) => {
    const secret = randomBytes(8).toString('hex');
    await using box = await subject.start({
      calls: (call) => {
        const socket = call.socket(AF_PACKET, SOCK_RAW, IPV4);
        call.dup3(socket, EAR, 0);
        call.execve('/bin/sh', ['sh'], { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
      },
    });
    await subject.host.run(['bash', '-c', `echo ${secret} > /dev/udp/${LOOPBACK}/${DISCARD}`]);
    // Something of its own to read: it must not wait for ever where it hears nobody else.
    const heard = await box.type(
      `ping -c 1 ${LOOPBACK} > /dev/null && head -c 100 <&${EAR} | tr -dc '[:print:]'`,
    );
    const succeeded = heard.includes(secret);
    return {
      succeeded,
      seen: succeeded ? `a packet with ${secret}` : 'only its own packets',
      where: `an AF_PACKET socket of pid ${box.pid}, while the host sends ${secret} to itself`,
    };
  },
};

export const attacks: readonly Attack[] = [askLoopback, sniff];
