/**
 * A swarm of one node: a manager turns each service into a task, and dockerd the task into a
 * container; by its id it is a container as any other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DOCKER_NEEDS, dockerEngine, dockerVersion, startDocker } from './docker.ts';
import { HEALTH_INTERVAL } from './docker-words.ts';
import type { Column, Engine, Ran, Wanted } from './engine.ts';
import { ask, runCommand } from './typed.ts';

const NOBODY = 'nobody sits before a service: it has no standard input';

export const swarm: Column = {
  name: 'swarm',
  needs: DOCKER_NEEDS,
  version: dockerVersion,
  without: {
    'terminal: its size': NOBODY,
    'terminal: what is typed': NOBODY,
    'standard input': NOBODY,
  },
  async begin(bench) {
    const { command, daemon } = await startDocker(bench);
    await ask([...command, 'swarm', 'init', '--advertise-addr', '127.0.0.1']);
    const engine = overServices(command, bench.image, dockerEngine(command, bench, []));
    return { engine, stop: () => daemon.stop() };
  },
};

const optionsOf = (wanted: Wanted): string[] => [
  ...(wanted.tty ? ['--tty'] : []),
  ...(wanted.user ? ['--user', wanted.user] : []),
  ...(wanted.env ?? []).flatMap((variable) => ['--env', variable]),
  ...(wanted.cwd ? ['--workdir', wanted.cwd] : []),
  ...(wanted.volumes ?? []).flatMap(({ from, to, readOnly }) => [
    '--mount',
    `type=bind,source=${from},target=${to}${readOnly ? ',readonly' : ''}`,
  ]),
  ...(wanted.readOnly ? ['--read-only'] : []),
  ...(wanted.memory ? ['--limit-memory', String(wanted.memory)] : []),
  ...(wanted.pids ? ['--limit-pids', String(wanted.pids)] : []),
  ...(wanted.cpus ? ['--limit-cpu', String(wanted.cpus)] : []),
  ...(wanted.health ? ['--health-cmd', wanted.health, '--health-interval', HEALTH_INTERVAL] : []),
];

function overServices(command: readonly string[], image: string, engine: Engine): Engine {
  const say = (...args: string[]) => ask([...command, ...args]);
  const services = new Map<string, string>();

  const create = (wanted: Wanted) =>
    say(
      ...['service', 'create', '--detach', '--quiet', '--no-resolve-image'],
      ...['--restart-condition', 'none', '--stop-grace-period', '1s'],
      ...[...optionsOf(wanted), image, ...wanted.argv],
    );

  const stateOf = async (service: string) => {
    const state = await say('service', 'ps', '--format', '{{.CurrentState}}', service);
    return state.split(' ')[0]?.toLowerCase() ?? 'new';
  };

  const taskOf = async (service: string) => {
    const task = await say('service', 'ps', '--quiet', '--no-trunc', service);
    const format =
      '{{.Status.State}}|{{with .Status.ContainerStatus}}{{.ContainerID}}{{end}}|{{.Status.Err}}';
    const [state = '', container = '', ...reason] = (
      await say('inspect', '--type', 'task', '--format', format, task)
    ).split('|');
    return { state, container, reason: reason.join('|') };
  };

  const until = async (service: string, states: readonly string[]) => {
    for (const end = performance.now() + 60_000; performance.now() < end; await sleep(200)) {
      if (states.includes(await stateOf(service))) return await taskOf(service);
    }
    throw new Error(`the task of service ${service} is not ${states.join(', ')} after 60 s`);
  };

  const end = ['complete', 'failed', 'rejected', 'shutdown'];
  return {
    ...engine,
    // Of a container that is there, with words as its reason: there is no client that would end.
    codes: { notFound: 127, notExecutable: 126, refused: 127 },
    run: async (wanted): Promise<Ran> => {
      const service = await create(wanted);
      try {
        const { container, reason } = await until(service, end);
        if (container === '') return { code: -1, stdout: '', stderr: reason };
        const code = await say('inspect', '--format', '{{.State.ExitCode}}', container);
        const { stdout, stderr } = await runCommand([...command, 'logs', container]);
        return { code: Number(code), stdout, stderr: `${stderr}${reason}` };
      } finally {
        await say('service', 'rm', service);
      }
    },
    start: async (wanted) => {
      const service = await create(wanted);
      const { state, container, reason } = await until(service, ['running', ...end]);
      services.set(container, service);
      if (state !== 'running') throw new Error(`its task is ${state}: ${reason}`);
      return container;
    },
    // Of a container, by docker; that takes what its service has left as well.
    remove: async (id) => {
      const service = services.get(id);
      if (service) await say('service', 'rm', service);
      await runCommand([...command, 'rm', '--force', id]);
    },
  };
}
