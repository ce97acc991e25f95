/**
 * One repository of a registry, ready for requests. The first is made without saying who one is;
 * what the registry asks for then is given with it and all that follow:
 *
 *     GET /v2/…                      → 401, WWW-Authenticate: Bearer realm=…
 *     GET realm?service=…&scope=…    → {"token": …}          (Basic: name and password instead)
 *     GET /v2/…, Authorization: …    → 200
 *
 * distribution-spec, "Endpoints"; distribution, "Token Authentication Specification"
 */
import type { Reference } from '../reference.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basicAuthorization, type Credentials } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import { RegistryError, responseError } from './registry-error.ts';
import { type Call, PATIENCE, type Patience, type Sending, send } from './send.ts';
import { fetchToken, type Token } from './token.ts';

export interface RegistryOptions {
  /** Null or left out: as nobody in particular. */
  credentials?: Credentials | null | undefined;
  /** Whether to speak HTTP without TLS; left out, only a loopback registry is spoken to so. */
  plainHttp?: boolean | undefined;
  signal?: AbortSignal | undefined;
  patience?: Partial<Patience> | undefined;
}

export interface RepositoryCall extends Call {
  /** For messages. */
  where: string;
  /** Statuses outside 200–299 that are an answer and no error. */
  accept?: number[];
  /** Scopes that this request needs beside the repository's own. */
  scopes?: string[];
  /** Ends this request alone. */
  signal?: AbortSignal;
  onRetry?: ((why: string) => void) | undefined;
}

export interface Repository {
  /** `registry/path`, as `KnownBlob.repository` has it. */
  name: string;
  patience: Patience;
  signal: AbortSignal | undefined;
  /** `target` is a path below /v2/PATH/, or the whole address that an upload goes on at. */
  call(target: string | URL, call: RepositoryCall): Promise<Response>;
}

/**
 * Nothing is sent yet. Calls throw RegistryError. An empty `repository` is the registry itself, to be
 * asked by whole addresses.
 */
export function openRepository(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  actions: 'pull' | 'pull,push',
  options: RegistryOptions = {},
): Repository {
  const base = endpointOf(registry, options.plainHttp);
  const patience = { ...PATIENCE, ...options.patience };
  const { signal } = options;
  const own = repository === '' ? [] : [`repository:${repository}:${actions}`];
  const authorize = openAuthorization(base, options.credentials ?? null);

  return {
    name: `${registry}/${repository}`,
    patience,
    signal,
    async call(target, { where, accept = [], scopes = [], onRetry, signal: alone, ...call }) {
      const url =
        typeof target === 'string' ? new URL(`/v2/${repository}/${target}`, base) : target;
      const sending = { where, patience, signal: anyOf(signal, alone), onRetry };
      const ask = async () => {
        // An upload may go on at another host, which has no business with our credentials.
        const known = url.origin === base.origin;
        const authorization = known ? await authorize.header([...own, ...scopes], sending) : null;
        const headers = { ...call.headers, ...(authorization ? { authorization } : {}) };
        const response = await send(url, { ...call, headers }, sending);
        return { response, sent: authorization !== null };
      };
      let { response, sent } = await ask();
      const replayable = call.body === undefined || Buffer.isBuffer(call.body);
      if (replayable && authorize.learn(response, [...own, ...scopes], sent)) {
        await response.body?.cancel();
        ({ response, sent } = await ask());
      }
      if (response.ok || accept.includes(response.status)) return response;
      throw await responseError(where, response);
    },
  };
}

/** Ends with the first of them that does. */
export function anyOf(...signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}

interface Authorization {
  /** What to send as Authorization, or null while nothing was asked for. */
  header(scopes: string[], sending: Sending): Promise<string | null>;
  /**
   * Whether the response is a challenge that another try may meet. `sent`: whether the request said
   * who we are.
   */
  learn(response: Response, scopes: string[], sent: boolean): boolean;
}

function openAuthorization(base: URL, credentials: Credentials | null): Authorization {
  const plainHttp = base.protocol === 'http:';
  let wanted: Challenge | null = null;
  const tokens = new Map<string, Promise<Token>>();
  const keyOf = (scopes: string[]) => [...scopes].sort().join(' ');

  async function token(challenge: Challenge, scopes: string[], sending: Sending): Promise<string> {
    const key = keyOf(scopes);
    const old = await tokens.get(key)?.catch(() => null);
    if (old && old.expires > performance.now()) return old.value;
    const fetched = fetchToken({ challenge, scopes, credentials, plainHttp }, sending);
    tokens.set(key, fetched);
    return (await fetched).value;
  }

  return {
    async header(scopes, sending) {
      if (wanted === null) return null;
      if (wanted.scheme === 'bearer') return `Bearer ${await token(wanted, scopes, sending)}`;
      if (credentials && 'username' in credentials) {
        return basicAuthorization(credentials.username, credentials.password);
      }
      const remedy = 'log in with name and password';
      const what = 'unauthorized: it wants basic authentication';
      throw new RegistryError(sending.where, what, { kind: 'unauthorized', status: 401, remedy });
    },
    learn(response, scopes, sent) {
      // A challenge from where a redirect led is not the registry's.
      if (response.status !== 401 || new URL(response.url).origin !== base.origin) return false;
      // Another request, under way at the same time, has learned it since.
      if (!sent && wanted !== null) return true;
      const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
      const find = (name: string) => challenges.find(({ scheme }) => scheme === name);
      const challenge = find('bearer') ?? find('basic');
      const refused = wanted?.scheme === 'basic';
      if (!challenge || refused) return false;
      // The token that was sent, if there was one, has ended before its time.
      tokens.delete(keyOf(scopes));
      wanted = challenge;
      return true;
    },
  };
}
