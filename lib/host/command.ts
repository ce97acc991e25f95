/**
 * Commands that change the host: run without a shell, in the C locale, in this process's own
 * namespaces or in those of another process. The latter through a launch program, since Node, with
 * its threads, cannot join and come back. setns(2), nsenter(1)
 */
import { SIG_SETMASK } from '../kernel/constants.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { findCommand } from '../observe/command.ts';
import { installCommand, readDistribution } from '../observe/host/distribution.ts';
import { namespaceInode } from '../observe/namespaces.ts';
import type { Inside } from './action.ts';
import { HostError } from './host-error.ts';

export interface CommandResult {
  /** Null when a signal ended it. */
  exitCode: number | null;
  /** Both output streams. */
  output: string;
}

/** What execve(2) wants for the command `name`. Throws HostError with the package to install. */
export function execvePath(name: string): string {
  const path = name.includes('/') ? name : findCommand(name);
  if (path !== null) return path;
  const tool = PACKAGED.find((packaged) => packaged === name);
  const remedy = tool ? installCommand(readDistribution(), tool) : 'install it, or mend PATH';
  throw new HostError(`there is no command ${name}`, { remedy });
}

const PACKAGED = ['ip', 'mount', 'nft', 'nsenter', 'ping', 'sysctl', 'unshare'] as const;

/** Runs the command and waits for it. Throws HostError when it cannot be started. */
export async function runCommand(
  argv: readonly string[],
  options: { inside?: Inside | undefined; input?: string | undefined } = {},
): Promise<CommandResult> {
  const [name = '', ...rest] = argv;
  const path = execvePath(name);
  if (options.inside) return runInside(path, argv, options.inside, options.input);
  const { execa } = await import('execa'); // Not before it is needed: most commands need none.
  const ran = await execa(path, rest, {
    all: true,
    argv0: name,
    env: { LC_ALL: 'C' },
    reject: false,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
  });
  if (ran.exitCode === undefined && ran.signal === undefined) {
    throw new HostError(`${path} could not be run`, { cause: ran });
  }
  return { exitCode: ran.exitCode ?? null, output: ran.all ?? '' };
}

async function runInside(
  path: string,
  argv: readonly string[],
  { pid, namespaces }: Inside,
  input: string | undefined,
): Promise<CommandResult> {
  const env = { ...(process.env as Record<string, string>), LC_ALL: 'C' };
  const program = launch({}, (call) => {
    call.rtSigprocmask(SIG_SETMASK, []);
    call.execve(path, argv, env);
  });
  const from = { pid, namespaces: [...owner(pid), ...namespaces] };
  const ran = await capture(program, { from, ...(input === undefined ? {} : { input }) });
  return { exitCode: ran.exit.code ?? null, output: ran.stderr + ran.stdout };
}

/** Namespaces made in another user namespace open only to who has joined that one first. */
const owner = (pid: number): Namespace[] =>
  namespaceInode(pid, 'user') === namespaceInode('self', 'user') ? [] : ['user'];
