/**
 * The command line that docker and podman share.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, Ran, Wanted } from './engine.ts';
import { ask, runCommand } from './typed.ts';

export interface Words {
  /** The command with its own options. */
  command: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Options of every `run`. */
  always: readonly string[];
  image: string;
  /** What `top` is asked for, besides: where it does not list pids of this machine by itself. */
  column?: string;
  /** `rm` at once. */
  remove?: readonly string[];
}

export const HEALTH_INTERVAL = '3s';

/** Options of `run`, and what is run. */
export const optionsOf = (wanted: Wanted): string[] => [
  ...(wanted.tty ? ['--tty'] : []),
  ...(wanted.tty || wanted.input !== undefined ? ['--interactive'] : []),
  ...(wanted.user ? ['--user', wanted.user] : []),
  ...(wanted.env ?? []).flatMap((variable) => ['--env', variable]),
  ...(wanted.cwd ? ['--workdir', wanted.cwd] : []),
  ...(wanted.volumes ?? []).flatMap(({ from, to, readOnly }) => [
    '--volume',
    `${from}:${to}${readOnly ? ':ro' : ''}`,
  ]),
  ...(wanted.readOnly ? ['--read-only'] : []),
  ...(wanted.memory ? ['--memory', String(wanted.memory)] : []),
  ...(wanted.pids ? ['--pids-limit', String(wanted.pids)] : []),
  ...(wanted.cpus ? ['--cpus', String(wanted.cpus)] : []),
  ...(wanted.health ? ['--health-cmd', wanted.health, '--health-interval', HEALTH_INTERVAL] : []),
];

export function speakDocker({
  command,
  env,
  always,
  image,
  column,
  remove = ['rm', '--force'],
}: Words): Omit<Engine, 'runtimeRoot' | 'runtimeId' | 'codes' | 'health'> {
  const say = (...args: string[]) => ask([...command, ...args], env);
  const done = async (...args: string[]) => void (await say(...args));
  return {
    run: (wanted) =>
      runCommand(
        [...command, 'run', '--rm', ...always, ...optionsOf(wanted), image, ...wanted.argv],
        wanted,
        env,
      ),
    start: (wanted) =>
      say('run', '--detach', ...always, ...optionsOf(wanted), image, ...wanted.argv),
    exec: (id, wanted): Promise<Ran> =>
      runCommand([...command, 'exec', ...optionsOf(wanted), id, ...wanted.argv], wanted, env),
    pid: async (id) => Number(await say('inspect', '--format', '{{.State.Pid}}', id)),
    top: async (id) => {
      const [head = '', ...lines] = (await say('top', id, ...(column ? [column] : []))).split('\n');
      const at = head
        .trim()
        .split(/\s+/)
        .indexOf(column?.toUpperCase() ?? 'PID');
      return lines.map((line) => Number(line.trim().split(/\s+/)[at]));
    },
    kill: (id, signal) => done('kill', '--signal', signal, id),
    stop: (id) => done('stop', '--time', '1', id),
    pause: (id) => done('pause', id),
    resume: (id) => done('unpause', id),
    update: (id, { memory, cpus }) =>
      done('update', '--memory', String(memory), '--cpus', String(cpus), id),
    exitCode: async (id) => Number(await say('wait', id)),
    logs: async (id) => {
      const { stdout, stderr } = await runCommand([...command, 'logs', id], {}, env);
      return stdout + stderr;
    },
    remove: (id) => done(...remove, id),
  };
}

/** Asks until it is no longer `starting`, or for so long. */
export async function untilKnown(look: () => Promise<string>, seconds = 20): Promise<string> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    const health = await look();
    if (health !== 'starting' || performance.now() > until) return health;
    await sleep(100);
  }
}
