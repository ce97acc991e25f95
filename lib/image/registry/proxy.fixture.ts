/**
 * A server that hands requests on to a registry and can misbehave on the way: cut an answer short,
 * answer itself, forget what a range is.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  path: string;
  range: string | null;
  authorization: string | null;
}

export interface Proxy {
  host: string;
  seen: Seen[];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Mischief {
  /** True: it has answered. Called for each request, `times` counting those of its path and method. */
  answer?: (seen: Seen, times: number, response: ServerResponse) => boolean;
  /** Bytes of the body after which the connection is cut; null: it is not. */
  cutAfter?: (seen: Seen, times: number) => number | null;
  /** Header fields of requests that do not get through. */
  drop?: string[];
}

export async function startProxy(upstream: string, mischief: Mischief): Promise<Proxy> {
  const seen: Seen[] = [];
  const server = createServer((incoming, response) => {
    const now = seenOf(incoming);
    seen.push(now);
    const times = seen.filter((it) => it.path === now.path && it.method === now.method).length;
    if (mischief.answer?.(now, times, response)) return;
    const headers = { ...incoming.headers };
    for (const name of mischief.drop ?? []) delete headers[name];
    const [hostname, port] = upstream.split(':');
    const onward = request(
      { hostname, port, path: incoming.url, method: incoming.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        const cut = mischief.cutAfter?.(now, times) ?? null;
        let sent = 0;
        answer.on('data', (part: Buffer) => {
          const room = cut === null ? part.length : cut - sent;
          response.write(part.subarray(0, Math.max(room, 0)));
          sent += part.length;
          if (cut !== null && sent >= cut) {
            // What was written reaches the client before the end of the line does.
            response.socket?.end();
            answer.destroy();
          }
        });
        answer.on('end', () => response.end());
      },
    );
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispose = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  return { host: `127.0.0.1:${port}`, seen, [Symbol.asyncDispose]: dispose };
}

const seenOf = ({ method = '', url = '', headers }: IncomingMessage): Seen => ({
  method,
  path: url,
  range: headers.range ?? null,
  authorization: headers.authorization ?? null,
});
