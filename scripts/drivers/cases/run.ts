/** What a container's own command gets, and what is told of its end. */
import assert from 'node:assert/strict';
import { type Case, FOREVER, holds, running, scratch, sh } from '../case.ts';
import { ask } from '../typed.ts';

export const runCases: readonly Case[] = [
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
];
