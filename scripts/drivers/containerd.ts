/**
 * containerd by its own client, ctr: the shim calls the runtime and stays with the container.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from './daemon.ts';
import type { Column, Engine, Wanted } from './engine.ts';
import { ask, runCommand } from './typed.ts';

const NAMESPACE = 'drivers';
const named = /runtimes\.box-runtime\.options\][^[]*BinaryName = "\/usr\/local\/bin\/box-runtime"/;
const NO_WORDS = 'ctr has no option for it';

export const containerd: Column = {
  name: 'containerd',
  needs: { containerd: 'containerd', ctr: 'containerd' },
  version: async () => / (\d[\d.]+)/.exec(await ask(['containerd', '--version']))?.[1] ?? '?',
  without: {
    user: NO_WORDS,
    'limit of processes': NO_WORDS,
    'other limits while it runs': NO_WORDS,
    'exec: environment': NO_WORDS,
  },
  async begin({ directory, archive, image, cgroup, configure, line }) {
    const at = (name: string) => join(directory, name);
    configure('/etc/containerd/config.toml', 'version = 2\n');
    // Only a cluster's node asks for it by that name: what the daemon has read is all to be seen here.
    assert.match(await ask(['containerd', 'config', 'dump']), named);
    const command = ['ctr', '--address', at('containerd.sock'), '--namespace', NAMESPACE];
    const daemon = await startDaemon(
      [
        ...['containerd', '--address', at('containerd.sock')],
        ...['--root', at('root'), '--state', at('state')],
      ],
      {
        log: at('containerd.log'),
        socket: at('containerd.sock'),
        ready: async () => (await runCommand([...command, 'version'])).code === 0,
      },
    );
    await ask([...command, 'images', 'import', archive]);
    const words = line('ctr run').split(' ');
    const chosen = words.slice(words.indexOf('--runc-binary')).slice(0, 2);
    const always = [...chosen, '--runc-root', at('runc')];
    const engine = speak({ command, always, image, cgroup, logs: directory });
    return {
      engine: { ...engine, runtimeRoot: join(at('runc'), NAMESPACE) },
      stop: () => daemon.stop(),
    };
  },
};

const optionsOf = (wanted: Wanted): string[] => [
  ...(wanted.tty ? ['--tty'] : []),
  ...(wanted.user ? ['--user', wanted.user] : []),
  ...(wanted.env ?? []).flatMap((variable) => ['--env', variable]),
  ...(wanted.cwd ? ['--cwd', wanted.cwd] : []),
  ...(wanted.volumes ?? []).flatMap(({ from, to, readOnly }) => [
    '--mount',
    `type=bind,src=${from},dst=${to},options=rbind:${readOnly ? 'ro' : 'rw'}`,
  ]),
  ...(wanted.readOnly ? ['--read-only'] : []),
  ...(wanted.memory ? ['--memory-limit', String(wanted.memory)] : []),
  ...(wanted.cpus ? ['--cpus', String(wanted.cpus)] : []),
];

interface Speech {
  command: readonly string[];
  always: readonly string[];
  image: string;
  cgroup: string;
  logs: string;
}

function speak({ command, always, image, cgroup, logs }: Speech): Omit<Engine, 'runtimeRoot'> {
  let count = 0;
  const asked = new Map<string, string | undefined>();
  const say = (...args: string[]) => ask([...command, ...args]);
  const log = (id: string) => join(logs, `${id}.log`);
  const tasks = async () =>
    (await say('task', 'ls')).split('\n').map((line) => line.trim().split(/\s+/));
  const taskOf = async (id: string) => (await tasks()).find(([name]) => name === id);
  const kill = async (id: string, signal: string) =>
    void (await say('task', 'kill', '-s', signal, id));
  const untilStopped = async (id: string, seconds: number) => {
    for (const until = performance.now() + seconds * 1000; performance.now() < until; ) {
      const [, , status] = (await taskOf(id)) ?? [];
      if (status === 'STOPPED' || status === undefined) return true;
      await sleep(150);
    }
    return false;
  };
  const runOf = (id: string, wanted: Wanted, ...more: string[]) => [
    ...[...command, 'run', ...more, ...always, '--cgroup', join(cgroup, id)],
    ...[...optionsOf(wanted), image, id, ...wanted.argv],
  ];
  const exec = (id: string, { argv, ...wanted }: Wanted) =>
    runCommand(
      [
        ...[...command, 'task', 'exec', '--exec-id', `exec-${++count}`],
        ...[...optionsOf(wanted as Wanted), id, ...argv],
      ],
      wanted,
    );
  return {
    run: (wanted) => runCommand(runOf(`run-${++count}`, wanted, '--rm'), wanted),
    start: async (wanted) => {
      const id = `start-${++count}`;
      asked.set(id, wanted.health);
      await ask(runOf(id, wanted, '--detach', '--log-uri', `file://${log(id)}`));
      return id;
    },
    exec,
    pid: async (id) => Number((await taskOf(id))?.[1]),
    top: async (id) =>
      (await say('task', 'ps', id))
        .split('\n')
        .slice(1)
        .map((line) => Number(line.trim().split(/\s+/)[0])),
    kill,
    stop: async (id) => {
      await kill(id, 'SIGTERM');
      if (!(await untilStopped(id, 1))) await kill(id, 'SIGKILL');
    },
    pause: async (id) => void (await say('task', 'pause', id)),
    resume: async (id) => void (await say('task', 'resume', id)),
    update: () => Promise.reject(new Error(NO_WORDS)),
    exitCode: async (id) => {
      await untilStopped(id, 30);
      const { stderr } = await runCommand([...command, 'task', 'rm', id]);
      return Number(/exit code (\d+)/.exec(stderr)?.[1] ?? 0);
    },
    logs: async (id) => readFileSync(log(id), 'utf8'),
    // It has no checks of its own: somebody asks from outside.
    health: async (id) => {
      const { code } = await exec(id, { argv: ['sh', '-c', asked.get(id) ?? 'true'] });
      return code === 0 ? 'healthy' : 'unhealthy';
    },
    remove: async (id) => {
      await runCommand([...command, 'task', 'rm', '--force', id]);
      await say('container', 'rm', id);
    },
    runtimeId: (id) => id,
    codes: { notFound: 1, notExecutable: 1, refused: 1 },
  };
}
