/**
 * `run`: create, start, wait, delete. Signals that come meanwhile are the container's; its exit
 * status becomes ours, 128 and the signal's number where one has killed it.
 */
import { constants as os } from 'node:os';
import { kernel } from '../../kernel/call.ts';
import { SyscallError } from '../../kernel/syscall-error.ts';
import type { Exit } from '../../launch/wait.ts';
import { type CreateOptions, createContainer } from './create.ts';
import { deleteContainer } from './delete.ts';
import { startContainer } from './start.ts';

export interface RunOptions extends CreateOptions {
  detach: boolean;
  /** What is left of it stays. */
  keep: boolean;
}

/** The exit status; 0 when it is not waited for. Throws as `createContainer` and `startContainer`. */
export async function runContainer(options: RunOptions): Promise<number> {
  const { root, id, detach, keep, bundle, warn } = options;
  const inFront = !detach && (bundle.spec.process?.terminal ?? false);
  const terminal =
    inFront && !options.consoleSocket
      ? (await import('./attach-terminal.ts')).joinTerminal()
      : null;
  try {
    const child = await createContainer({
      ...options,
      ...(terminal ? { onTerminal: terminal.take } : {}),
    });
    const warnAll = (warnings: string[]) => warnings.forEach((warning) => void warn?.(warning));
    try {
      await startContainer(root, id, warn);
    } catch (error) {
      warnAll(await deleteContainer(root, id, true));
      throw error;
    }
    if (detach) return 0;
    const stop = forwardSignals(child.pid);
    const exit = await child.wait();
    stop();
    await terminal?.over();
    if (!keep) warnAll(await deleteContainer(root, id, true));
    return statusOfExit(exit);
  } finally {
    terminal?.close();
  }
}

export const statusOfExit = (exit: Exit): number =>
  exit.signal === undefined
    ? exit.code
    : 128 + ((os.signals as Readonly<Record<string, number>>)[exit.signal] ?? 0);

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Until what is returned is called. */
export function forwardSignals(pid: number): () => void {
  const forward = (name: NodeJS.Signals) => {
    try {
      kernel.kill(pid, os.signals[name]);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== 'ESRCH') throw error;
    }
  };
  for (const name of FORWARDED) process.on(name, forward);
  return () => {
    for (const name of FORWARDED) process.off(name, forward);
  };
}
