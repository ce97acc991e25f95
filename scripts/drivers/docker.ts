/**
 * Docker: dockerd asks containerd, whose shim calls the runtime and stays with the container.
 */
import { join } from 'node:path';
import { type Daemon, startDaemon } from './daemon.ts';
import { speakDocker, untilKnown } from './docker-words.ts';
import type { Bench, Column, Engine } from './engine.ts';
import { ask, runCommand } from './typed.ts';

export const DOCKER_NEEDS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  containerd: 'containerd',
  iptables: 'iptables',
};

export const docker: Column = {
  name: 'dockerd',
  needs: DOCKER_NEEDS,
  version: dockerVersion,
  without: {},
  async begin(bench) {
    const { command, daemon } = await startDocker(bench);
    const engine = dockerEngine(command, bench, []);
    return { engine, stop: () => daemon.stop() };
  },
};

export async function dockerVersion(): Promise<string> {
  return /version ([\d.]+)/.exec(await ask(['dockerd', '--version']))?.[1] ?? '?';
}

/** With the image in it. */
export async function startDocker({
  directory,
  archive,
  cgroup,
  configure,
}: Bench): Promise<{ command: string[]; daemon: Daemon }> {
  const at = (name: string) => join(directory, name);
  configure('/etc/docker/daemon.json');
  const command = ['docker', '--host', `unix://${at('docker.sock')}`];
  const daemon = await startDaemon(
    [
      ...['dockerd', '--host', `unix://${at('docker.sock')}`],
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid')],
      ...['--cgroup-parent', cgroup, '--storage-driver', 'overlay2'],
    ],
    {
      log: at('docker.log'),
      socket: at('docker.sock'),
      ready: async () => (await runCommand([...command, 'version'])).code === 0,
    },
  );
  await ask([...command, 'load', '--input', archive]);
  return { command, daemon };
}

export function dockerEngine(
  command: readonly string[],
  { directory, image }: Bench,
  always: readonly string[],
): Engine {
  return {
    ...speakDocker({ command, image, always }),
    runtimeRoot: join(directory, 'exec/runtime-runc/moby'),
    runtimeId: (id) => id,
    codes: { notFound: 127, notExecutable: 126, refused: 125 },
    health: (id) =>
      untilKnown(() => ask([...command, 'inspect', '--format', '{{.State.Health.Status}}', id])),
  };
}
