/**
 * Labs without root: the lab's own process is started again in a user namespace, as its uid 0, and
 * in a mount namespace. There it may do all that a lab does, and to nothing but what is its own.
 * The map has one line, so every file that it makes belongs to the user on the host.
 * user_namespaces(7)
 */

import { writeFileSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { stateDirectory } from '../host/state.ts';
import { MS_PRIVATE, MS_REC, SIG_SETMASK } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { start } from '../launch/start.ts';

/** Set in the environment of the process in the user namespace. */
export const ROOTLESS_MARK = 'UNBOXED_ROOTLESS';

/** True inside the user namespace that `ensurePrivileges` made. */
export const isRootless = () => process.env[ROOTLESS_MARK] !== undefined;

/**
 * Returns when this process is root, in the machine or in a user namespace of its own. Otherwise
 * starts itself again in one, and ends this process with the other's exit code.
 * Throws SyscallError where user namespaces are switched off.
 */
export async function ensurePrivileges(): Promise<void> {
  if (process.getuid?.() === 0) return;
  process.exit(await runAsNamespaceRoot());
}

async function runAsNamespaceRoot(): Promise<number> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const env: Record<string, string> = {
    ...(process.env as Record<string, string>),
    UNBOXED_STATE: stateDirectory(),
    HOME: process.env.HOME ?? homedir(),
    [ROOTLESS_MARK]: String(uid),
  };
  const program = launch({ namespaces: ['user', 'mount'] }, (call) => {
    call.gate('id maps');
    call.setgid(0);
    call.setuid(0);
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    call.rtSigprocmask(SIG_SETMASK, []);
    call.execve(process.execPath, argv, env);
  });
  const child = await start(program, {
    atGate: async (_gate, pid) => {
      // A single line may be written by the user himself once setgroups(2) is given up.
      writeFileSync(`/proc/${pid}/setgroups`, 'deny');
      writeFileSync(`/proc/${pid}/uid_map`, `0 ${uid} 1`);
      writeFileSync(`/proc/${pid}/gid_map`, `0 ${gid} 1`);
    },
  });
  // The terminal's Ctrl-C reaches the child by itself; it decides what that means.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal === 'SIGTERM' ? 15 : 1));
  }
  const exit = await child.exited;
  return exit.code ?? 128 + constants.signals[exit.signal as NodeJS.Signals];
}
