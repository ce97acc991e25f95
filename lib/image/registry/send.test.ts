import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { endpointOf } from './endpoint.ts';
import { networkError, responseError } from './registry-error.ts';
import { type Call, PATIENCE, send } from './send.ts';
import { makeCertificate } from './token-server.fixture.ts';

const patience = { ...PATIENCE, firstWait: 1 };

async function serve(server: Server & { closeAllConnections(): void }) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What comes back from a server that answers with these, one after the other, and how many did. */
async function ask(call: Call, answers: RequestListener[], silence = PATIENCE.silence) {
  let asked = 0;
  const listener: RequestListener = (request, response) => {
    asked += 1;
    answers[Math.min(asked, answers.length) - 1]?.(request, response);
  };
  await using server = await serve(createServer(listener));
  const url = new URL(`http://127.0.0.1:${server.port}/`);
  const retries: string[] = [];
  const onRetry = (why: string) => retries.push(why);
  const sending = { where: 'registry', patience: { ...patience, silence }, onRetry };
  const result = await send(url, call, sending).catch((error: Error) => error);
  const error = result instanceof Error ? result : await responseError('registry', result);
  return { error, status: result instanceof Error ? null : result.status, asked, retries };
}

const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(code, headers).end();
const hangUp: RequestListener = (_, response) => response.socket?.destroy();

it('asks again after what may pass, and says why', async () => {
  const answers = [status(503), hangUp, status(200)];
  const { status: got, asked, retries } = await ask({}, answers);
  expect([got, asked, retries.length]).toEqual([200, 3, 3 - 1]);
  expect(retries).toEqual(['HTTP 503', expect.stringContaining('connection failed')]);
});

it('wants the bytes as they are: packed for the way, they would not have their digest', async () => {
  let asked: unknown;
  const answer: RequestListener = ({ headers }, response) => {
    asked = headers['accept-encoding'];
    response.end();
  };
  await ask({}, [answer]);
  expect(asked).toBe('identity');
});

it('gives up after so many tries', async () => {
  expect(await ask({}, [status(503)])).toMatchObject({ status: 503, asked: 5 });
});

it('asks once only where twice might do something twice', async () => {
  expect((await ask({ method: 'POST' }, [status(503)])).asked).toBe(1);
  expect((await ask({ method: 'POST' }, [hangUp])).asked).toBe(1);
  const body = (async function* () {
    yield Buffer.from('x');
  })();
  expect((await ask({ method: 'PUT', body }, [status(503)])).asked).toBe(1);
  expect((await ask({ method: 'PUT', body: Buffer.from('x') }, [status(503)])).asked).toBe(5);
});

it('asks once only where the answer will not change', async () => {
  for (const code of [400, 401, 404, 501]) expect((await ask({}, [status(code)])).asked).toBe(1);
});

it('waits as long as it is asked to', async () => {
  const times: number[] = [];
  const note: RequestListener = () => times.push(performance.now());
  const first: RequestListener = (...given) => {
    note(...given);
    status(429, { 'retry-after': '1' })(...given);
  };
  const then: RequestListener = (...given) => {
    note(...given);
    status(200)(...given);
  };
  expect(await ask({}, [first, then])).toMatchObject({ status: 200, asked: 2 });
  // Lower bound only: it is what was asked for.
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

it('does not wait for hours, and says how long it would be', async () => {
  const { error, asked } = await ask({}, [status(429, { 'retry-after': '7200' })]);
  expect(asked).toBe(1);
  expect(error).toMatchObject({ kind: 'rate-limit', status: 429 });
  expect(error.message).toBe('registry: too many requests; try again in 7200 s');
});

it('does not wait for ever for an answer', async () => {
  const { error, asked } = await ask({}, [() => undefined], 300);
  expect(error.message).toBe('registry: no answer within 0.3 s');
  expect(asked).toBe(5);
});

it('stops when it is told to', async () => {
  const abort = new AbortController();
  await using server = await serve(createServer(() => abort.abort(new Error('enough'))));
  const url = new URL(`http://127.0.0.1:${server.port}/`);
  const sending = send(url, {}, { where: 'registry', patience, signal: abort.signal });
  await expect(sending).rejects.toThrow('enough');
});

it('tells a port where nothing listens', async () => {
  const { port, ...server } = await serve(createServer());
  await server[Symbol.asyncDispose]();
  const sending = send(new URL(`http://127.0.0.1:${port}/`), {}, { where: 'registry', patience });
  await expect(sending).rejects.toMatchObject({
    kind: 'connection',
    message: 'registry: connection refused; nothing listens there: look at host and port',
  });
});

it('tells a server that speaks plain HTTP', async () => {
  await using server = await serve(createServer());
  const url = new URL(`https://127.0.0.1:${server.port}/`);
  const sending = send(url, {}, { where: 'registry', patience });
  await expect(sending).rejects.toMatchObject({ kind: 'tls' });
  await expect(sending).rejects.toThrow('; if it speaks plain HTTP, say so');
});

itNeeds(['command:openssl'], 'tells a certificate that nobody vouches for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-tls-'));
  const { key, cert } = makeCertificate(directory);
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(directory, { recursive: true });
  await using server = await serve(createTlsServer(pair));
  const url = new URL(`https://127.0.0.1:${server.port}/`);
  const sending = send(url, {}, { where: 'registry', patience });
  await expect(sending).rejects.toMatchObject({ kind: 'tls' });
  await expect(sending).rejects.toThrow(/^registry: TLS: self-signed certificate; .*NODE_EXTRA_CA/);
});

it('tells a host that is not there', () => {
  const cause = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  const error = networkError('registry', new TypeError('fetch failed', { cause }));
  expect(error?.message).toBe(
    'registry: no such host; look at its spelling, and at /etc/resolv.conf',
  );
});

it('repeats of a registry’s own words one line that a terminal can bear', async () => {
  const errors = [{ code: 'DENIED', message: 'no\x1b[31m\naccess' }];
  const response = new Response(JSON.stringify({ errors }), { status: 403 });
  const { message } = await responseError('registry', response);
  expect(message).toMatch(/^registry: forbidden \(DENIED: no \[31m access\); log in/);
  const html = new Response('<html>', { status: 502, statusText: 'Bad Gateway' });
  expect((await responseError('registry', html)).message).toBe(
    'registry: the registry answered 502 Bad Gateway',
  );
});

it.each([
  ['docker.io', 'https://registry-1.docker.io/'],
  ['127.0.0.1:5000', 'http://127.0.0.1:5000/'],
  ['127.8.9.1', 'http://127.8.9.1/'],
  ['localhost:5000', 'http://localhost:5000/'],
  ['[::1]:5000', 'http://[::1]:5000/'],
  ['localhost.example', 'https://localhost.example/'],
  ['127.0.0.1.example', 'https://127.0.0.1.example/'],
  ['10.0.0.1:5000', 'https://10.0.0.1:5000/'],
])('%s is spoken to at %s', (registry, url) => {
  expect(endpointOf(registry).href).toBe(url);
  expect(endpointOf(registry, true).protocol).toBe('http:');
  expect(endpointOf(registry, false).protocol).toBe('https:');
});
