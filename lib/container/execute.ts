/**
 * The last lines of a runtime, as lab 00 works them out: nothing of the process that starts a
 * container crosses execve. The environment is the container's own; signal mask, ignored signals
 * and open descriptors would otherwise be inherited.
 * execve(2), "Effect on process attributes"
 */
import { CLOSE_RANGE_CLOEXEC, SIG_SETMASK, SIGPIPE, SIGXFSZ } from '../kernel/constants.ts';
import type { Calls } from '../launch/program.ts';

const LAST_DESCRIPTOR = 0xffffffff;

/** Writes them down, ending in execve of `argv[0]`, a path in the root that the process has then. */
export function execute(
  call: Calls,
  { argv, env }: { argv: readonly string[]; env: Readonly<Record<string, string>> },
): void {
  // Every signal is blocked around the clone, so that no handler of Node's runs in the child.
  call.rtSigprocmask(SIG_SETMASK, []);
  // Node ignores these two, and what is ignored stays ignored across execve.
  call.rtSigaction(SIGPIPE, 'SIG_DFL');
  call.rtSigaction(SIGXFSZ, 'SIG_DFL');
  call.closeRange(3, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC);
  call.execve(argv[0] ?? '', argv, env);
}
