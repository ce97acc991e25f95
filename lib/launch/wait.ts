/**
 * Waiting for children without blocking and without taking anybody else's: each is asked for by
 * its pidfd, when the kernel says SIGCHLD.
 * waitid(2), pidfd_open(2)
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { kernel } from '../kernel/call.ts';
import { P_PIDFD, WEXITED, WNOHANG, WNOWAIT } from '../kernel/constants.ts';
import { decodeSiginfo } from '../kernel/structs.ts';

/** How a process ended: its exit status, or the name of the signal that killed it. */
export type Exit = { code: number; signal?: undefined } | { code?: undefined; signal: string };

const CLD_EXITED = 1;
// SIGCHLD may come between the look and the listening of another loop turn; look again this often.
const LOOK_AGAIN_MS = 250;

// Of two names for one number the first is the usual one: SIGABRT and SIGIOT, SIGIO and SIGPOLL.
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** Collects the child if it has ended, without waiting. A child can be collected once. */
function collect(pidfd: number, options: number): Exit | undefined {
  const info = new Uint8Array(128);
  kernel.waitid(P_PIDFD, pidfd, info, WEXITED | options);
  const { pid, code, status } = decodeSiginfo(info);
  if (pid === 0) return undefined;
  if (code === CLD_EXITED) return { code: status };
  return { signal: signalNames.get(status) ?? `signal ${status}` };
}

/** Whether the child has ended; it can still be collected afterwards. */
export function hasEnded(pidfd: number): boolean {
  return collect(pidfd, WNOHANG | WNOWAIT) !== undefined;
}

/** Waits in place for a child that is about to end. Closes the pidfd. */
export function waitNow(pidfd: number): Exit {
  const exit = collect(pidfd, 0);
  closeSync(pidfd);
  if (!exit) throw new Error('waitid returned without a child');
  return exit;
}

const waiting = new Map<number, (exit: Exit) => void>();
let timer: NodeJS.Timeout | undefined;

function look(): void {
  for (const [pidfd, done] of waiting) {
    const exit = collect(pidfd, WNOHANG);
    if (!exit) continue;
    waiting.delete(pidfd);
    closeSync(pidfd);
    done(exit);
  }
  if (waiting.size === 0) {
    process.off('SIGCHLD', look);
    clearInterval(timer);
    timer = undefined;
  }
}

/** How the child behind `pidfd` ends. Keeps the event loop alive; closes the pidfd at the end. */
export function waitFor(pidfd: number): Promise<Exit> {
  return new Promise((resolve) => {
    waiting.set(pidfd, resolve);
    // It may have ended already, and its SIGCHLD been heard before anybody waited for it.
    setImmediate(look);
    if (timer) return;
    process.on('SIGCHLD', look);
    timer = setInterval(look, LOOK_AGAIN_MS);
  });
}
