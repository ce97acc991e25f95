/**
 * The command lines of which network actions consist, as a reader could type them: on the host, or
 * in the network namespace of a process. ip(8), nsenter(1)
 */
import type { Effect, Inside } from '../host/action.ts';

/** Where a command runs: null is this process's own network namespace. */
export type Place = Inside | null;

/** The network namespace of a process. */
export const networkOf = (pid: number): Inside => ({ pid, namespaces: ['network'] });

/** For effects and sights, which leave `inside` out where there is none. */
export const at = (place: Place): { inside?: Inside } => (place ? { inside: place } : {});

/** `line` is split at blanks; no word of it may hold one. */
export const run = (place: Place, line: string): Effect => ({
  do: 'run',
  argv: line.split(' '),
  ...at(place),
});
