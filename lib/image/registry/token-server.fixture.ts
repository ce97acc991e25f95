/**
 * A token server for tests, and the registry configuration that believes it: tokens are JSON Web
 * Tokens signed by a certificate that is made for the test. Repositories below `public/` may be
 * pulled by anybody; `someone` with the password `secret` may do everything.
 *
 * distribution, "Token Authentication Implementation"
 */
import { execFileSync } from 'node:child_process';
import { createSign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface TokenServer {
  /** For startRegistry. */
  auth: () => object;
  /** What was asked for: the scopes, and by whom. */
  asked: { scopes: string[]; account: string | null }[];
  [Symbol.asyncDispose](): Promise<void>;
}

const ISSUER = 'unboxed test';
const SERVICE = 'test-registry';

/** A key and a self-signed certificate for 127.0.0.1, as PEM files `key` and `cert`. */
export function makeCertificate(directory: string): { key: string; cert: string } {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const name = ['-subj', '/CN=unboxed test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', cert];
  const argv = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...files];
  execFileSync('openssl', argv, { stdio: 'pipe' });
  return { key, cert };
}

export async function startTokenServer(): Promise<TokenServer> {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-token-'));
  const { key, cert } = makeCertificate(directory);
  const certificate = new X509Certificate(readFileSync(cert));
  const sign = (scopes: string[], known: boolean, service: string) => {
    const access = scopes.map((scope) => {
      const [type, name = '', actions = ''] = scope.split(':');
      const allowed = known ? actions.split(',') : name.startsWith('public/') ? ['pull'] : [];
      return { type, name, actions: allowed };
    });
    const now = Math.floor(Date.now() / 1000);
    const life = { nbf: now - 10, iat: now, exp: now + 300 };
    const claims = { iss: ISSUER, sub: '', aud: service, jti: String(now), access, ...life };
    const head = { typ: 'JWT', alg: 'RS256', x5c: [certificate.raw.toString('base64')] };
    const signed = [head, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = createSign('sha256').update(signed).sign(readFileSync(key), 'base64url');
    return `${signed}.${signature}`;
  };

  const asked: TokenServer['asked'] = [];
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    const given = Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64').toString();
    const known = given === 'someone:secret' || form.get('refresh_token') === 'an identity token';
    const scopes = form.get('scope')?.split(' ') ?? query.getAll('scope');
    asked.push({ scopes, account: query.get('account') });
    const service = form.get('service') ?? query.get('service') ?? '';
    const wrong = !known && (given !== '' || form.size > 0);
    response.writeHead(wrong ? 401 : 200, { 'content-type': 'application/json' });
    response.end(
      wrong ? '{}' : JSON.stringify({ token: sign(scopes, known, service), expires_in: 300 }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const realm = `http://127.0.0.1:${port}/token`;
  return {
    auth: () => ({ token: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: cert } }),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
