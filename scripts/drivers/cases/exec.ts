/** One more process in a container that runs. */
import assert from 'node:assert/strict';
import { type Case, FOREVER, holds, running, sh } from '../case.ts';

export const execCases: readonly Case[] = [
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
];
