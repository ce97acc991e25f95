/**
 * What an engine has to be able to do with a runtime: one list for all of them. Each case asks the
 * engine for something and then the kernel, the engine or the container whether it is so.
 */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMountinfo } from '../../lib/observe/mountinfo.ts';
import { directoryOf, isFrozen, limitsOf } from './cgroup-of.ts';
import type { Bench, Engine, Wanted } from './engine.ts';
import { ask } from './typed.ts';

export interface Case {
  name: string;
  /** Throws Error, in one sentence, when it does not hold. */
  prove(engine: Engine, bench: Bench): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
const MANY = 20;
/** Long enough for all cases. */
const FOREVER = ['sleep', '600'];
const sh = (script: string) => ['sh', '-c', script];

export const cases: readonly Case[] = [
  {
    name: 'run: its output, both streams',
    async prove(engine) {
      const ran = await engine.run({ argv: sh('echo to-out; echo to-err >&2') });
      holds(ran, { code: 0, stdout: /^to-out\s*$/, stderr: /to-err/ });
    },
  },
  {
    name: 'it is this runtime that runs it',
    prove: (engine, { runtime }) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const said = await ask([
          ...[runtime, '--root', engine.runtimeRoot],
          ...['state', engine.runtimeId(id)],
        ]);
        const { status, pid } = JSON.parse(said);
        assert.deepEqual({ status, pid }, { status: 'running', pid: await engine.pid(id) });
      }),
  },
  {
    name: 'exit codes 0, 7, 255',
    async prove(engine) {
      for (const code of [0, 7, 255]) {
        holds(await engine.run({ argv: sh(`exit ${code}`) }), { code });
      }
    },
  },
  {
    name: 'exit code of a program that is not there',
    async prove(engine) {
      const { code, stderr } = await engine.run({ argv: ['no-such-program'] });
      assert.match(stderr, /executable file not found in \$PATH/);
      assert.equal(code, engine.codes.notFound);
    },
  },
  {
    name: 'exit code of a file that is no program',
    async prove(engine) {
      const { code, stderr } = await engine.run({ argv: ['/etc/passwd'] });
      assert.match(stderr, /permission denied/i);
      assert.equal(code, engine.codes.notExecutable);
    },
  },
  {
    name: 'exit code of what the runtime refuses',
    async prove(engine, { directory }) {
      const volumes = [{ from: scratch(directory), to: '/etc/os-release' }];
      const { code, stderr } = await engine.run({ argv: ['true'], volumes });
      assert.match(stderr, /not a directory/i);
      assert.equal(code, engine.codes.refused);
    },
  },
  {
    name: 'terminal: that it is one',
    async prove(engine) {
      const tty = { rows: 31, columns: 117 };
      const { code, stdout } = await engine.run({ argv: ['tty'], tty });
      assert.match(stdout, /^\/dev\/(pts\/0|console)\r+\n$/);
      assert.equal(code, 0);
    },
  },
  {
    name: 'terminal: its size',
    async prove(engine) {
      // The engine's client sets it when the container runs.
      const argv = sh('until stty size | grep -q 117; do sleep 0.1; done; stty size');
      const { stdout } = await engine.run({ argv, tty: { rows: 31, columns: 117 } });
      assert.match(stdout, /31 117/);
    },
  },
  {
    name: 'terminal: what is typed',
    async prove(engine) {
      const argv = sh('echo "name?"; read name; echo "hello $name"; exit 3');
      const tty = { rows: 24, columns: 80 };
      const { code, stdout } = await engine.run({ argv, tty, input: 'world\r' });
      assert.match(stdout, /hello world/);
      assert.equal(code, 3);
    },
  },
  {
    name: 'standard input',
    async prove(engine) {
      const ran = await engine.run({ argv: sh('tty; cat'), input: 'through a pipe\n' });
      holds(ran, { code: 0, stdout: /not a tty\s+through a pipe/ });
    },
  },
  {
    name: 'exec: output and exit code',
    prove: (engine) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const argv = sh('cat /proc/1/cmdline | tr "\\000" " "; exit 9');
        holds(await engine.exec(id, { argv }), { code: 9, stdout: /^sleep 600/ });
        const { code, stderr, stdout } = await engine.exec(id, { argv: ['no-such-program'] });
        assert.match(stderr + stdout, /executable file not found in \$PATH/);
        assert.notEqual(code, 0);
      }),
  },
  {
    name: 'exec: a terminal',
    prove: (engine) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const tty = { rows: 17, columns: 99 };
        const argv = sh('sleep 1; tty; stty size');
        const { code, stdout } = await engine.exec(id, { argv, tty });
        assert.match(stdout, /\/dev\/pts\/\d+\r+\n17 99/);
        assert.equal(code, 0);
      }),
  },
  {
    name: 'exec: user and directory',
    prove: (engine) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const argv = sh('id -u; id -g; echo $PWD');
        const ran = await engine.exec(id, { argv, user: '1234:5678', cwd: '/etc' });
        holds(ran, { code: 0, stdout: /^1234\s+5678\s+\/etc\s*$/ });
      }),
  },
  {
    name: 'exec: environment',
    prove: (engine) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const ran = await engine.exec(id, {
          argv: sh('echo "<$GREETING>"'),
          env: ['GREETING=a b'],
        });
        holds(ran, { code: 0, stdout: /<a b>/ });
      }),
  },
  {
    name: 'stop: SIGTERM, and its exit code',
    prove: (engine) =>
      running(
        engine,
        { argv: sh('trap "exit 3" TERM; echo set; while :; do sleep 0.1; done') },
        async (id) => {
          await says(engine, id, /set/);
          const code = engine.exitCode(id);
          await engine.stop(id);
          assert.equal(await code, 3);
        },
      ),
  },
  {
    name: 'stop: who does not listen is killed',
    prove: (engine) =>
      running(engine, { argv: FOREVER }, async (id) => {
        const code = engine.exitCode(id);
        await engine.stop(id);
        assert.equal(await code, 137);
      }),
  },
  {
    name: 'kill with a signal',
    prove: (engine) =>
      running(
        engine,
        { argv: sh('trap "echo usr1" USR1; echo set; while :; do sleep 0.1; done') },
        async (id) => {
          await says(engine, id, /set/);
          await engine.kill(id, 'SIGUSR1');
          await says(engine, id, /usr1/);
          const code = engine.exitCode(id);
          await engine.kill(id, 'SIGKILL');
          assert.equal(await code, 137);
        },
      ),
  },
  {
    name: 'pause and resume',
    async prove(engine, { directory }) {
      const volumes = [{ from: scratch(directory), to: '/data' }];
      const count = join(volumes[0]?.from ?? '', 'count');
      const argv = sh('while :; do echo >> /data/count; sleep 0.02; done');
      const lines = () => (existsSync(count) ? readFileSync(count, 'utf8').length : 0);
      await running(engine, { argv, volumes }, async (id) => {
        await eventually('it does nothing', () => lines() > 0);
        const pid = await engine.pid(id);
        await engine.pause(id);
        const before = lines();
        assert.ok(isFrozen(pid), 'its cgroup is not frozen');
        await sleep(200);
        assert.equal(lines(), before, 'it goes on while it is paused');
        await engine.resume(id);
        await eventually('it does not go on', () => lines() > before);
        assert.ok(!isFrozen(pid), 'its cgroup is still frozen');
      });
    },
  },
  {
    name: 'limits of memory and processors',
    prove: (engine) =>
      running(engine, { argv: FOREVER, memory: 64 * MEBIBYTE, cpus: 0.5 }, async (id) => {
        const { memory, cpus } = limitsOf(await engine.pid(id));
        assert.deepEqual({ memory, cpus }, { memory: 64 * MEBIBYTE, cpus: 0.5 });
      }),
  },
  {
    name: 'limit of processes',
    prove: (engine) =>
      running(engine, { argv: FOREVER, pids: 33 }, async (id) => {
        assert.equal(limitsOf(await engine.pid(id)).pids, 33);
      }),
  },
  {
    name: 'other limits while it runs',
    prove: (engine) =>
      running(engine, { argv: FOREVER, memory: 64 * MEBIBYTE, cpus: 0.5 }, async (id) => {
        await engine.update(id, { memory: 48 * MEBIBYTE, cpus: 0.25 });
        const { memory, cpus } = limitsOf(await engine.pid(id));
        assert.deepEqual({ memory, cpus }, { memory: 48 * MEBIBYTE, cpus: 0.25 });
      }),
  },
  {
    name: 'logs',
    prove: (engine) =>
      running(engine, { argv: sh('echo one; echo two >&2; exec sleep 600') }, async (id) => {
        await says(engine, id, /one.*two|two.*one/s);
      }),
  },
  {
    name: 'volumes, one of them read-only',
    async prove(engine, { directory }) {
      const [written, read] = [scratch(directory), scratch(directory)];
      writeFileSync(join(read, 'file'), 'from the host');
      const volumes = [
        { from: written, to: '/written' },
        { from: read, to: '/read', readOnly: true },
        { from: join(read, 'file'), to: '/etc/as-a-file', readOnly: true },
      ];
      const argv = sh(
        'cat /read/file /etc/as-a-file > /written/copy; echo > /read/no || echo > /etc/as-a-file',
      );
      const { code } = await engine.run({ argv, volumes });
      assert.equal(readFileSync(join(written, 'copy'), 'utf8'), 'from the hostfrom the host');
      assert.notEqual(code, 0, 'what is read-only could be written to');
      assert.deepEqual(readdirSync(read), ['file']);
    },
  },
  {
    name: 'read-only root',
    async prove(engine) {
      const argv = sh('touch /new && exit 1; touch /dev/shm/new || touch /dev/new');
      const { code, stderr } = await engine.run({ argv, readOnly: true });
      assert.match(stderr, /Read-only file system/);
      assert.equal(code, 0);
    },
  },
  {
    name: 'user',
    async prove(engine) {
      const argv = sh('id -u; id -g; grep CapEff /proc/self/status');
      const stdout = /^1234\s+5678\s+CapEff:\s+0{16}\s*$/;
      holds(await engine.run({ argv, user: '1234:5678' }), { code: 0, stdout });
    },
  },
  {
    name: 'environment and directory',
    async prove(engine) {
      const argv = sh('echo "<$GREETING>"; echo $PWD');
      const stdout = /^<a b>\s+\/etc\s*$/;
      holds(await engine.run({ argv, env: ['GREETING=a b'], cwd: '/etc' }), { code: 0, stdout });
    },
  },
  {
    name: 'its processes',
    prove: (engine) =>
      running(engine, { argv: sh('sleep 600 & sleep 600') }, async (id) => {
        const first = await engine.pid(id);
        await eventually('three processes are not listed', async () => {
          const pids = await engine.top(id);
          return pids.length === 3 && pids.includes(first);
        });
      }),
  },
  {
    name: `${MANY} at once, all healthy`,
    async prove(engine) {
      const wanted = { argv: FOREVER, health: 'grep -q sleep /proc/1/cmdline' };
      const started = await Promise.allSettled(
        Array.from({ length: MANY }, () => engine.start(wanted)),
      );
      const ids = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      try {
        const failed = started.find((one) => one.status === 'rejected');
        if (failed) throw failed.reason;
        const pids = await Promise.all(ids.map((id) => engine.pid(id)));
        assert.equal(new Set(pids).size, MANY, `they are not so many: ${pids.join(' ')}`);
        const words = await Promise.all(ids.map((id) => engine.health(id)));
        assert.deepEqual(new Set(words), new Set(['healthy']));
      } finally {
        await Promise.all(ids.map((id) => engine.remove(id)));
      }
    },
  },
  {
    name: 'nothing is left of it',
    async prove(engine, { directory }) {
      const id = await engine.start({ argv: FOREVER });
      const pid = await engine.pid(id);
      const memory = directoryOf(pid, 'memory') ?? '';
      assert.ok(existsSync(memory), 'its cgroup cannot be seen');
      await engine.remove(id);
      const state = () => (existsSync(engine.runtimeRoot) ? readdirSync(engine.runtimeRoot) : []);
      const roots = () =>
        readMountinfo().filter(
          ({ mountPoint }) =>
            mountPoint.startsWith(directory) && /\/(merged|rootfs)$/.test(mountPoint),
        );
      await eventually('its process is still there', () => !existsSync(`/proc/${pid}`));
      await eventually('its cgroup is still there', () => !existsSync(memory));
      await eventually('its root is still mounted', () => roots().length === 0);
      await eventually('the runtime still has state', () => state().length === 0);
    },
  },
];

async function running(
  engine: Engine,
  wanted: Wanted,
  prove: (id: string) => Promise<void>,
): Promise<void> {
  const id = await engine.start(wanted);
  try {
    await prove(id);
  } finally {
    await engine.remove(id);
  }
}

function holds(
  ran: { code: number; stdout: string; stderr: string },
  wanted: { code: number; stdout?: RegExp; stderr?: RegExp },
): void {
  const said = `${ran.stderr.trim()} ${ran.stdout.trim()}`.trim();
  assert.equal(ran.code, wanted.code, `exit code ${ran.code}, not ${wanted.code}: ${said}`);
  if (wanted.stdout) assert.match(ran.stdout, wanted.stdout);
  if (wanted.stderr) assert.match(ran.stderr, wanted.stderr);
}

const says = (engine: Engine, id: string, words: RegExp) =>
  eventually(`${words} is not in its log`, async () => words.test(await engine.logs(id)));

async function eventually(
  otherwise: string,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(20)) {
    if (await look()) return;
  }
  assert.fail(otherwise);
}

/** A new directory that anybody may write to. */
function scratch(directory: string): string {
  const path = join(directory, 'volumes');
  mkdirSync(path, { recursive: true });
  return mkdtempSync(join(path, 'v-'));
}
