/**
 * RUN of a Dockerfile in a container: what lib/image asks for, and cannot have itself.
 */
import { closeSync, createReadStream, existsSync, readFileSync } from 'node:fs';
import type { Host } from '../host/host.ts';
import type { Command, Execute } from '../image/build/execute.ts';
import { openPipe } from '../kernel/pairs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { LaunchError } from '../launch/launch-error.ts';
import { openStreams } from '../launch/streams.ts';
import { readCredentials } from '../observe/host/credentials.ts';
import { ContainerError } from './container-error.ts';
import { type BindMount, imageRuntime } from './image-runtime.ts';
import { startContainer } from './run.ts';

const HOSTNAME = 'build';

/** For `buildImage`. Throws ContainerError for a command that is not there, LaunchError for others. */
export const executeInContainer: Execute = async (command) => {
  const { host, root, env, network, onOutput, signal } = command;
  signal?.throwIfAborted();
  const id = host.run;
  const runtime = imageRuntime({
    id,
    rootfs: root,
    hostname: HOSTNAME,
    argv: command.argv,
    env: { ...env, container: id },
    cwd: command.cwd,
    user: command.user,
    binds: await writeNames(host, network),
    shares: network === 'host' ? ['network'] : [],
    confined: !readCredentials().mapsWholeMachine,
  });
  const [readEnd, writeEnd] = openPipe();
  // Not a socket, as the streams' own pipes have: Bun, in the executable, reads none on a pipe.
  const output = createReadStream('', { fd: readEnd });
  const opened = openStreams({ stdin: 'null', stdout: writeEnd, stderr: 'stdout' });
  const running = await opened
    .hand((streams) => startContainer(runtime, host, { id, streams }))
    .catch((error: unknown) => {
      output.destroy();
      throw isNotThere(error) ? notFound(command, error) : error;
    })
    .finally(() => closeSync(writeEnd));
  const end = () => running.kill();
  signal?.addEventListener('abort', end);
  try {
    // The end of the first process is the end of its pid namespace, so that nobody holds the pipe.
    for await (const chunk of output) onOutput(chunk as Buffer);
    const exit = await running.exited;
    signal?.throwIfAborted();
    return exit;
  } finally {
    signal?.removeEventListener('abort', end);
    running.kill();
    await running.exited;
  }
};

/** The last of the paths that were tried says it for all. */
const isNotThere = (error: unknown) =>
  error instanceof LaunchError &&
  error.cause instanceof SyscallError &&
  error.cause.syscall === 'execve' &&
  error.cause.code === 'ENOENT';

function notFound({ argv, env }: Command, cause: unknown): ContainerError {
  const [name = ''] = argv;
  const where = name.includes('/') ? 'in the image' : `in ${env.PATH} of the image`;
  return new ContainerError(`${name}: not ${where}, or what it is to be run by is not`, { cause });
}

/** A machine that asks no name server may be without the file. resolv.conf(5) */
const nameServersOfHost = () =>
  existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '';

/** The files that lie on the init layer's mount points; they go with the run. */
async function writeNames(host: Host, network: Command['network']): Promise<BindMount[]> {
  const loopback = `127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t${HOSTNAME}\n`;
  const files: Record<string, string> = {
    hosts: loopback,
    hostname: `${HOSTNAME}\n`,
    'resolv.conf': network === 'host' ? nameServersOfHost() : '',
  };
  const binds: BindMount[] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = `${host.directory}/${name}`;
    await host.do({
      name: `${name} of ${host.run}`,
      does: [{ do: 'write', path, text }],
      undoes: [],
      seen: { path },
    });
    binds.push({ source: path, target: `/etc/${name}` });
  }
  return binds;
}
