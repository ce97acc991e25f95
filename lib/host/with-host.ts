/**
 * A run for the time of one piece of work: what it does on the host is undone when the work is done.
 */
import { type Host, openHost } from './host.ts';

/**
 * Resolves with what `body` resolves with, after everything is undone; throws what it throws, or
 * HostError where something could not be undone, which stays in the journal.
 */
export async function withHost<T>(
  run: string,
  state: string | undefined,
  body: (host: Host) => Promise<T>,
): Promise<T> {
  const host = await openHost(run, state);
  let result: T;
  try {
    result = await body(host);
  } catch (error) {
    await host.undo();
    throw error;
  }
  const [failure] = (await host.undo()).failed;
  if (failure) throw failure.error;
  return result;
}
