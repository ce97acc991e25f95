/**
 * Podman: no daemon; conmon calls the runtime and stays with the container.
 */
import { mkdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readStatus } from '../../lib/observe/process.ts';
import { speakDocker } from './docker-words.ts';
import type { Column } from './engine.ts';
import { ask } from './typed.ts';

const CAP_SYS_RESOURCE = 24n;

/** The command, which keeps everything below `directory`, and what `run` has to be told here. */
export function podmanWords(directory: string): { command: string[]; limits: string[] } {
  const at = (name: string) => join(directory, name);
  mkdirSync(at('tmp'));
  // Its defaults are above what root without this capability has, and then no runtime may set them.
  const mayRaise = ((readStatus('self').capEff >> CAP_SYS_RESOURCE) & 1n) === 1n;
  return {
    command: [
      ...['podman', '--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp')],
      ...['--cgroup-manager', 'cgroupfs', '--storage-driver', 'overlay'],
      ...['--events-backend', 'file'],
    ],
    limits: mayRaise ? [] : ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=2048:2048'],
  };
}

export const podman: Column = {
  name: 'podman',
  needs: { podman: 'podman', conmon: 'conmon' },
  version: () => ask(['podman', 'version', '--format', '{{.Client.Version}}']),
  without: {},
  async begin({ directory, runtime, archive, image, cgroup, configure }) {
    configure('/etc/containers/containers.conf');
    const { command, limits } = podmanWords(directory);
    await ask([...command, 'load', '--input', archive]);
    const words = speakDocker({
      command,
      image,
      column: 'hpid',
      remove: ['rm', '--force', '--time', '0'],
      always: ['--network', 'none', '--cgroup-parent', cgroup, ...limits],
    });
    const engine = {
      ...words,
      runtimeRoot: `/run/${basename(realpathSync(runtime))}`,
      runtimeId: (id: string) => id,
      codes: { notFound: 127, notExecutable: 126, refused: 126 },
      // Where a systemd timer would ask.
      health: async (id: string) => {
        await ask([...command, 'healthcheck', 'run', id]);
        return await ask([...command, 'inspect', '--format', '{{.State.Health.Status}}', id]);
      },
    };
    return {
      engine,
      stop: async () => void (await ask([...command, 'rm', '--all', '--force', '--time', '0'])),
    };
  },
};
