/**
 * The last lines of a runtime, as lab 00 works them out: nothing of the process that starts a
 * container crosses execve. The environment is the container's own; signal mask, ignored signals
 * and open descriptors would otherwise be inherited.
 * execve(2), "Effect on process attributes"
 */
import { CLOSE_RANGE_CLOEXEC, SIG_SETMASK, SIGPIPE, SIGXFSZ } from '../kernel/constants.ts';
import type { Calls } from '../launch/program.ts';

const LAST_DESCRIPTOR = 0xffffffff;

interface Execution {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** Writes them down, ending in execve of `argv[0]`, a path in the root that the process has then. */
export function execute(call: Calls, { argv, env }: Execution): void {
  leaveBehind(call);
  call.execve(argv[0] ?? '', argv, env);
}

/** The same for a name, which PATH of `env` leads to as in a shell. execvp in exec(3) */
export function executeOnPath(call: Calls, { argv, env }: Execution): void {
  leaveBehind(call);
  const [name = ''] = argv;
  const paths = name.includes('/') ? [name] : pathsOf(name, env.PATH ?? '');
  for (const path of paths.slice(0, -1)) call.attempt.execve(path, argv, env);
  call.execve(paths.at(-1) ?? name, argv, env);
}

const pathsOf = (name: string, path: string) =>
  path.split(':').map((directory) => `${directory || '.'}/${name}`);

function leaveBehind(call: Calls): void {
  // Every signal is blocked around the clone, so that no handler of Node's runs in the child.
  call.rtSigprocmask(SIG_SETMASK, []);
  // Node ignores these two, and what is ignored stays ignored across execve.
  call.rtSigaction(SIGPIPE, 'SIG_DFL');
  call.rtSigaction(SIGXFSZ, 'SIG_DFL');
  call.closeRange(3, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC);
}
