/**
 * A daemon of an engine: in the background, its words in a file, ended by its id.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Daemon {
  stop(): Promise<void>;
}

/** How long it may take until it serves, or has ended, in milliseconds. */
const PATIENCE = 60_000;

/**
 * Resolves when `socket` is there and `ready` holds. Throws Error with its last lines, as `stop` does
 * when it is no longer there.
 */
export async function startDaemon(
  [command = '', ...args]: readonly string[],
  { log, socket, ready }: { log: string; socket: string; ready: () => Promise<boolean> },
): Promise<Daemon> {
  const file = openSync(log, 'w');
  const child = spawn(command, args, { stdio: ['ignore', file, file] });
  const ended = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const lastWords = () => {
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    // What a Go program dies of stands before the stacks of all its threads.
    const panic = lines.findIndex((line) => /^(panic|fatal error):/.test(line));
    return (panic < 0 ? lines.slice(-3) : lines.slice(panic, panic + 12)).join('; ');
  };
  const stop = async () => {
    if (hasEnded()) throw new Error(`${command} has ended by itself: ${lastWords()}`);
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), PATIENCE / 4);
    await ended;
    clearTimeout(killer);
  };
  const until = performance.now() + PATIENCE;
  while (!(existsSync(socket) && (await ready()))) {
    if (hasEnded() || performance.now() > until) {
      if (!hasEnded()) await stop();
      throw new Error(`${command} does not come up: ${lastWords()}`);
    }
    await sleep(50);
  }
  return { stop };
}
