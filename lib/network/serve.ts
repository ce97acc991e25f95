/**
 * The server that lies outside: a program of its own, to be run in a network namespace of its own.
 * It tells whoever connects by TCP which address it sees, knows one name, and prints a line for
 * everything that reaches it.
 *
 *   node serve.ts ADDRESS PORT [NAME]
 *
 *   ready on PORT                  it listens everywhere; PORT 0 takes a free one
 *   203.0.113.1 is greeted
 *   203.0.113.1 says hello         a UDP datagram
 *   203.0.113.1 asks for NAME
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { answer, readQuestion } from './dns.ts';

const DNS_PORT = 53;

const [address = '127.0.0.1', asked = '0', name] = process.argv.slice(2);

const greeter = createServer((socket) => {
  console.log(`${socket.remoteAddress} is greeted`);
  // Who hangs up early is no concern of the next one.
  socket.on('error', () => {});
  socket.end(`you are ${socket.remoteAddress}\n`);
});
await once(greeter.listen(Number(asked), address), 'listening');
const { port } = greeter.address() as AddressInfo;

await listen(port, (message, from) => {
  console.log(`${from.address} says ${message.toString().trim()}`);
});

if (name !== undefined) {
  const server = await listen(DNS_PORT, (message, from) => {
    const question = readQuestion(message);
    if (!question) return;
    console.log(`${from.address} asks for ${question.name}`);
    const known = question.name === name ? address : null;
    server.send(answer(message, question, known), from.port, from.address);
  });
}
console.log(`ready on ${port}`);

async function listen(at: number, hear: (message: Buffer, from: RemoteInfo) => void) {
  const socket = createSocket('udp4', hear);
  await once(socket.bind(at, address), 'listening');
  return socket;
}
