/**
 * The lab's host: a process that does nothing but hold a mount table, a network, a host name and
 * System V objects of its own, from which the containers of a lab are started. What an attack or a
 * missing line breaks there, a mount that leaks, an interface that is taken down, a host that is
 * renamed, breaks nothing on the real machine, and is gone with the process.
 *
 * Its mounts are shared, as systemd sets them up on most machines at boot; where they were private
 * there would be no leak to see. They are cut off from the real ones first.
 * mount_namespaces(7), "Shared subtrees"
 */

import { execvePath } from '../host/command.ts';
import {
  AF_INET,
  AT_FDCWD,
  IFF_RUNNING,
  IFF_UP,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  O_WRONLY,
  SIG_SETMASK,
  SIOCSIFFLAGS,
  SOCK_DGRAM,
} from '../kernel/constants.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import { encodeInterfaceFlags } from '../kernel/structs.ts';
import { capture } from '../launch/capture.ts';
import { launch, type Program } from '../launch/program.ts';
import { start } from '../launch/start.ts';
import { openStreams } from '../launch/streams.ts';
import type { LabHost } from './subject.ts';

export const HOST_NAMESPACES: readonly Namespace[] = ['mount', 'network', 'uts', 'ipc'];

/** What containers and commands are started from: null is this process's own namespaces. */
export type Origin = { pid: number; namespaces: readonly Namespace[] } | null;

export interface OwnedLabHost extends LabHost {
  origin: Origin;
  /** For what runs on it: in one language everywhere, and found by its id after a crash. */
  env: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

/** Starts the holder; `id` is in its environment as `container`, for cleaning after a crash. */
export async function startLabHost(id: string): Promise<OwnedLabHost> {
  const opened = openStreams('null');
  const holder = await opened.hand((streams) => start(holderProgram(id), { streams }));
  const origin = { pid: holder.pid, namespaces: HOST_NAMESPACES };
  const env = environmentOf(id);
  return {
    pid: holder.pid,
    origin,
    env,
    run: runner(origin, env),
    end: async () => {
      holder.kill();
      await holder.exited;
    },
  };
}

/** The machine itself as the lab's host, for `--on-host`. */
export function realHost(id: string): OwnedLabHost {
  const env = environmentOf(id);
  return { pid: process.pid, origin: null, env, run: runner(null, env), end: async () => {} };
}

const environmentOf = (id: string): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  LC_ALL: 'C',
  container: id,
});

function holderProgram(id: string): Program {
  return launch({ namespaces: HOST_NAMESPACES }, (call) => {
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    call.mount(null, '/', null, MS_REC | MS_SHARED);
    const socket = call.socket(AF_INET, SOCK_DGRAM, 0);
    call.ioctl(socket, SIOCSIFFLAGS, encodeInterfaceFlags('lo', IFF_UP | IFF_RUNNING));
    call.close(socket);
    // A new namespace takes this over from the machine, where it may be on.
    const forward = call.openat(AT_FDCWD, '/proc/sys/net/ipv4/ip_forward', O_WRONLY);
    call.write(forward, Buffer.from('0'));
    call.close(forward);
    call.rtSigprocmask(SIG_SETMASK, []);
    call.execve(execvePath('sleep'), ['sleep', 'infinity'], { container: id });
  });
}

function runner(origin: Origin, env: OwnedLabHost['env']): LabHost['run'] {
  return async (argv, options = {}) => {
    const [name = '', ...rest] = argv;
    const program = launch({}, (call) => {
      call.rtSigprocmask(SIG_SETMASK, []);
      call.execve(execvePath(name), [name, ...rest], env);
    });
    const from = origin ?? undefined;
    const { exit, stdout, stderr } = await capture(program, { from, ...options });
    if (exit.code === 0) return stdout;
    const how = exit.signal ?? `exit ${exit.code}`;
    throw new Error(`${argv.join(' ')}: ${how}: ${(stderr || stdout).trim()}`);
  };
}
