/**
 * What can go wrong between here and a registry, in kinds that a caller can tell apart, each with
 * one line that says what to do. distribution-spec, "Error Codes"; RFC 9110, section 15
 */
import { ImageError } from '../image-error.ts';

export type RegistryFailure =
  /** No credentials, wrong ones, or ones that may not do this. */
  | 'unauthorized'
  | 'not-found'
  | 'rate-limit'
  | 'tls'
  /** Nothing listens, no such host, or the line went dead and stayed so. */
  | 'connection'
  /** An answer that the specification does not have, or a server's own fault. */
  | 'unexpected';

export class RegistryError extends ImageError {
  readonly kind: RegistryFailure;
  /** Of the HTTP response, where there was one. */
  readonly status: number | null;

  constructor(
    where: string,
    what: string,
    options: { kind: RegistryFailure; status?: number; remedy?: string; cause?: unknown },
  ) {
    super(where, what, options);
    this.name = 'RegistryError';
    this.kind = options.kind;
    this.status = options.status ?? null;
  }
}

/** Enough for any list of errors; a page of HTML is not read to its end. */
const LONGEST_COMPLAINT = 16 * 1024;

/** What the response says in the registry's own words. Its body is used up. */
export async function responseError(where: string, response: Response): Promise<RegistryError> {
  const { status } = response;
  const said = await complaint(response);
  const tell = (what: string) => (said === '' ? what : `${what} (${said})`);
  if (status === 401 || status === 403) {
    const remedy = 'log in with credentials that may do this, and look at the name';
    const what = tell(status === 401 ? 'unauthorized' : 'forbidden');
    return new RegistryError(where, what, { kind: 'unauthorized', status, remedy });
  }
  if (status === 404) {
    const remedy = 'look at the name and the tag; a private one may need credentials';
    return new RegistryError(where, tell('not found'), { kind: 'not-found', status, remedy });
  }
  if (status === 429) {
    const after = retryAfter(response);
    const remedy = after === null ? 'try again later' : `try again in ${Math.ceil(after / 1000)} s`;
    const what = tell('too many requests');
    return new RegistryError(where, what, { kind: 'rate-limit', status, remedy });
  }
  const what = tell(`the registry answered ${`${status} ${response.statusText}`.trim()}`);
  return new RegistryError(where, what, { kind: 'unexpected', status });
}

/** The wait in milliseconds that the response asks for, or null. RFC 9110, 10.2.3 */
export function retryAfter(response: Response): number | null {
  const text = response.headers.get('retry-after')?.trim();
  if (!text) return null;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? null : Math.max(wait, 0);
}

/** Code and message of the first error in the body; what is no such list is not repeated. */
async function complaint(response: Response): Promise<string> {
  try {
    const body = await readUpTo(response, LONGEST_COMPLAINT);
    const { errors } = JSON.parse(body?.toString() ?? '{}') as { errors?: unknown };
    const [first] = Array.isArray(errors) ? errors : [];
    const { code, message } = (first ?? {}) as { code?: unknown; message?: unknown };
    const words = [code, message].filter((word) => typeof word === 'string' && word !== '');
    // It came from outside and goes to a terminal, on one line.
    return words
      .join(': ')
      .replace(/[^\x20-\x7e]+/g, ' ')
      .slice(0, 300);
  } catch {
    return '';
  }
}

/** The whole body, or null when it is longer than `limit` bytes. */
export async function readUpTo(response: Response, limit: number): Promise<Buffer | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > limit) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const REFUSED = new Set(['ECONNREFUSED', 'ConnectionRefused']);
const UNKNOWN_HOST = new Set(['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA']);
const WRONG_PROTOCOL = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER']);
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/;

/** What `fetch` threw, sorted; null when it was not the network: an abort, for example. */
export function networkError(where: string, cause: unknown): RegistryError | null {
  const code = codeOf(cause);
  if (code === null) return null;
  if (REFUSED.has(code)) {
    const remedy = 'nothing listens there: look at host and port';
    return new RegistryError(where, 'connection refused', { kind: 'connection', remedy, cause });
  }
  if (UNKNOWN_HOST.has(code)) {
    const remedy = 'look at its spelling, and at /etc/resolv.conf';
    return new RegistryError(where, 'no such host', { kind: 'connection', remedy, cause });
  }
  if (TLS.test(code)) {
    const remedy = WRONG_PROTOCOL.has(code)
      ? 'if it speaks plain HTTP, say so'
      : 'if its certificate is to be trusted, name the authority’s PEM file in NODE_EXTRA_CA_CERTS';
    return new RegistryError(where, `TLS: ${reasonOf(cause)}`, { kind: 'tls', remedy, cause });
  }
  const what = `the connection failed: ${reasonOf(cause)}`;
  return new RegistryError(where, what, { kind: 'connection', cause });
}

/** The nearest error code in a chain of causes: `fetch` wraps what the socket said. */
export function codeOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
  }
  return null;
}

function reasonOf(error: unknown): string {
  let deepest = error as Error;
  while (deepest.cause instanceof Error) deepest = deepest.cause;
  // An AggregateError, one per address, has no message of its own.
  const message = deepest.message === '' ? '' : `${deepest.message.split('\n')[0]}`;
  return message === '' ? String(codeOf(error)) : message;
}
