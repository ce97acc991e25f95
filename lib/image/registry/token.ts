/**
 * A token from the server that a registry's challenge names, for certain scopes and a short time.
 * Without credentials it is an anonymous one, which is enough to pull what is public.
 *
 * distribution, "Token Authentication Specification" and "OAuth2 Token Specification"
 */
import type { Challenge } from './challenge.ts';
import { basicAuthorization, type Credentials } from './credentials.ts';
import { RegistryError, readUpTo, responseError } from './registry-error.ts';
import { type Call, type Sending, send } from './send.ts';

export interface Token {
  value: string;
  /** Milliseconds as `performance.now()` counts; some time before it really ends. */
  expires: number;
}

/** A scope is `repository:library/alpine:pull` or `…:pull,push`. */
export interface TokenRequest {
  challenge: Challenge;
  scopes: string[];
  credentials: Credentials | null;
  /** Whether the registry itself is spoken to without TLS. */
  plainHttp: boolean;
}

const CLIENT = 'unboxed';
/** Seconds that a token holds which does not say. */
const SHORTEST_LIFE = 60;
const LONGEST_ANSWER = 1024 * 1024;

/** Throws RegistryError. */
export async function fetchToken(request: TokenRequest, sending: Sending): Promise<Token> {
  const { where } = sending;
  const realm = realmOf(request, where);
  const [url, call] = compose(realm, request);
  const response = await send(url, call, { ...sending, where: `${where}: ${realm.origin}` });
  if (!response.ok) {
    const error = await responseError(where, response);
    if (error.kind !== 'unauthorized') throw error;
    const remedy = request.credentials ? 'look at name and password' : 'log in first';
    const what = `${realm.origin} gives no token: ${error.status}`;
    throw new RegistryError(where, what, { kind: 'unauthorized', remedy, cause: error });
  }
  return readToken(await readUpTo(response, LONGEST_ANSWER), where, realm);
}

function realmOf({ challenge, plainHttp }: TokenRequest, where: string): URL {
  const { realm = '' } = challenge.parameters;
  const url = URL.parse(realm);
  if (!url || !/^https?:$/.test(url.protocol)) {
    const what = `its challenge has no usable realm: ${JSON.stringify(realm)}`;
    throw new RegistryError(where, what, { kind: 'unexpected' });
  }
  // Whoever can change the answers of such a server would be sent the password.
  if (url.protocol === 'http:' && !plainHttp) {
    const what = `it sends us for a token to ${url.origin}, without TLS`;
    throw new RegistryError(where, what, { kind: 'tls' });
  }
  return url;
}

function compose(realm: URL, { challenge, scopes, credentials }: TokenRequest): [URL, Call] {
  const { service } = challenge.parameters;
  if (credentials && 'identityToken' in credentials) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: credentials.identityToken,
      client_id: CLIENT,
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return [realm, { method: 'POST', headers, body: Buffer.from(form.toString()) }];
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  url.searchParams.set('client_id', CLIENT);
  if (!credentials) return [url, {}];
  const { username, password } = credentials;
  url.searchParams.set('account', username);
  return [url, { headers: { authorization: basicAuthorization(username, password) } }];
}

function readToken(body: Buffer | null, where: string, realm: URL): Token {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown } = {};
  try {
    answer = JSON.parse(body?.toString() ?? '') ?? {};
  } catch {
    // Said below: what is no JSON has no token in it.
  }
  const value = answer.token || answer.access_token;
  if (typeof value !== 'string') {
    const what = `the answer of ${realm.origin} has no token in it`;
    throw new RegistryError(where, what, { kind: 'unexpected' });
  }
  const life = typeof answer.expires_in === 'number' ? answer.expires_in : SHORTEST_LIFE;
  // A tenth is left for the request that it goes with.
  return { value, expires: performance.now() + life * 900 };
}
