/**
 * One HTTP request, tried again where that can do no harm: a method that is idempotent, a body that
 * is there to be sent once more, and a failure that may pass. Between tries the wait doubles, and a
 * `Retry-After` is heeded. RFC 9110, 9.2.2 and 10.2.3
 */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, networkError, RegistryError, retryAfter } from './registry-error.ts';

export interface Patience {
  /** Tries in all. */
  tries: number;
  /** Milliseconds before the second one; each further wait is twice as long. */
  firstWait: number;
  /** Milliseconds. Who asks for more by `Retry-After` is not waited for. */
  longestWait: number;
  /** Milliseconds in which an answer must begin, or go on. */
  silence: number;
}

export const PATIENCE: Patience = {
  tries: 5,
  firstWait: 500,
  longestWait: 60_000,
  silence: 60_000,
};

export interface Call {
  method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  /** What is not a Buffer can be sent once only. */
  body?: Buffer | AsyncIterable<Uint8Array>;
  /** Whether twice does no harm, for a method of which that is not known. */
  repeatable?: boolean;
}

export interface Sending {
  /** For messages: what the request is about. */
  where: string;
  patience: Patience;
  signal?: AbortSignal | undefined;
  /** Before each wait. */
  onRetry?: ((why: string) => void) | undefined;
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT']);
const PASSING = new Set([408, 429, 500, 502, 503, 504]);
/** A name server that does not answer may do so the next time; one that says no will not. */
const FINAL = new Set(['ECONNREFUSED', 'ConnectionRefused', 'ENOTFOUND', 'EAI_NONAME']);

/**
 * The response, of whatever status. Redirects are followed, and `fetch` takes the Authorization
 * header off where they lead to another host. Throws RegistryError, or the signal's reason.
 */
export async function send(url: URL, call: Call, sending: Sending): Promise<Response> {
  const { patience, signal } = sending;
  const replayable = call.body === undefined || Buffer.isBuffer(call.body);
  const harmless = call.repeatable ?? IDEMPOTENT.has(call.method ?? 'GET');
  const repeatable = harmless && replayable;
  for (let tried = 1; ; tried++) {
    signal?.throwIfAborted();
    const result = await attempt(url, call, sending);
    const wait = waitAfter(result, tried, patience);
    if (!repeatable || wait === null) {
      if (result instanceof Error) throw result;
      return result;
    }
    sending.onRetry?.(result instanceof Error ? result.message : `HTTP ${result.status}`);
    if (!(result instanceof Error)) await result.body?.cancel();
    await pause(wait, signal);
  }
}

async function attempt(url: URL, call: Call, sending: Sending): Promise<Response | RegistryError> {
  const { where, patience, signal } = sending;
  const streaming = call.body !== undefined && !Buffer.isBuffer(call.body);
  const silent = new AbortController();
  // The answer to a streamed body begins after the last of it: how long that takes nobody knows.
  const timer = streaming ? undefined : setTimeout(() => silent.abort(), patience.silence);
  try {
    return await fetch(url, {
      method: call.method ?? 'GET',
      // A body that is packed once more for the way would not have its digest.
      headers: { 'accept-encoding': 'identity', ...call.headers },
      signal: AbortSignal.any([silent.signal, ...(signal ? [signal] : [])]),
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(streaming ? { duplex: 'half' } : {}),
    } as RequestInit);
  } catch (cause) {
    signal?.throwIfAborted();
    if (silent.signal.aborted) {
      const what = `no answer within ${patience.silence / 1000} s`;
      return new RegistryError(where, what, { kind: 'connection', cause });
    }
    const error = networkError(where, cause);
    if (error === null) throw cause;
    return error;
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds, or null when it is not worth trying again. */
function waitAfter(
  result: Response | RegistryError,
  tried: number,
  patience: Patience,
): number | null {
  if (tried >= patience.tries) return null;
  if (result instanceof RegistryError) {
    if (result.kind !== 'connection' || FINAL.has(codeOf(result) ?? '')) return null;
    return backOff(tried, patience);
  }
  if (!PASSING.has(result.status)) return null;
  const asked = retryAfter(result);
  if (asked === null) return backOff(tried, patience);
  return asked > patience.longestWait ? null : asked;
}

/** Throws the signal's reason when that comes first. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Milliseconds before try number `tried` + 1, with some chance in it so that clients do not meet. */
export function backOff(tried: number, { firstWait, longestWait }: Patience): number {
  return Math.min(firstWait * 2 ** (tried - 1), longestWait) * (0.75 + Math.random() / 2);
}
