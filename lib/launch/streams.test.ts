import { spawnSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { SIG_SETMASK } from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { capture } from './capture.ts';
import { launch } from './program.ts';
import { start } from './start.ts';
import { openStreams } from './streams.ts';

const shell = (script: string) =>
  launch({}, (call) => {
    call.rtSigprocmask(SIG_SETMASK, []);
    call.execve('/bin/sh', ['sh', '-c', script], { PATH: '/usr/bin:/bin' });
  });

const failing = launch({}, (call) => void call.execve('/nowhere', ['x'], {}));
const openDescriptors = () => readdirSync('/proc/self/fd').length;

/** A Node of its own that runs `body`; what it wrote to its two outputs, which are pipes. */
function runNode(body: string) {
  const rooms = ['program', 'start'].map((it) => `import * as ${it} from './${it}.ts';`);
  const options = { cwd: import.meta.dirname, encoding: 'utf8' as const };
  const argv = ['--input-type=module-typescript', '-e', `${rooms.join('')}${body}`];
  const { stdout, stderr, error } = spawnSync(process.execPath, argv, options);
  if (error) throw error;
  return { stdout, stderr };
}

const launching = (script: string, streams: string) => `
  const env = { PATH: '/usr/bin:/bin' };
  const program_ = program.launch({}, (call) => {
    call.execve('/bin/sh', ['sh', '-c', ${JSON.stringify(script)}], env);
  });
  await (await start.start(program_, { streams: ${streams} })).exited;
`;

describe('inherited streams', () => {
  itNeeds(['linux'], 'may change places', () => {
    const script = 'echo to-stdout; echo to-stderr >&2';
    expect(runNode(launching(script, '[0, 2, 1]'))).toEqual({
      stdout: 'to-stderr\n',
      stderr: 'to-stdout\n',
    });
  });

  itNeeds(['linux'], 'are blocking, also where Node has made them something else', () => {
    const script = 'sed -n s/flags:.*4...$/non-blocking/p /proc/self/fdinfo/1; echo seen';
    const body = `process.stdout.write('begin\\n'); ${launching(script, '[0, 1, 2]')}`;
    expect(runNode(body)).toEqual({ stdout: 'begin\nseen\n', stderr: '' });
  });
});

describe('captured output', () => {
  itNeeds(['linux'], 'keeps stdout and stderr apart, with the exit', async () => {
    const { exit, stdout, stderr } = await capture(shell('echo out; echo err >&2; exit 4'));
    expect({ exit, stdout, stderr }).toEqual({
      exit: { code: 4 },
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  itNeeds(['linux'], 'is whole, far beyond what a pipe holds', async () => {
    const { stdout } = await capture(shell('seq 1 200000'));
    expect(stdout).toHaveLength(1_288_895);
    expect(stdout.endsWith('\n200000\n')).toBe(true);
  });

  itNeeds(['linux'], 'goes with input up to its end, also more than a pipe holds', async () => {
    const input = 'ä'.repeat(300_000);
    expect((await capture(shell('wc -c'), { input })).stdout.trim()).toBe('600000');
  });

  itNeeds(['linux'], 'does not mind a program that reads none of its input', async () => {
    const { exit } = await capture(shell('exit 0'), { input: 'x'.repeat(300_000) });
    expect(exit).toEqual({ code: 0 });
  });

  itNeeds(['linux'], 'comes without any of our terminal: stdin is /dev/null', async () => {
    expect((await capture(shell('readlink /proc/self/fd/0'))).stdout).toBe('/dev/null\n');
  });
});

describe('streams', () => {
  itNeeds(['linux'], 'can be chosen one by one; stderr may be the same as stdout', async () => {
    const path = join(tmpdir(), `unboxed-streams-${process.pid}`);
    const file = openSync(path, 'w');
    const opened = openStreams({ stdin: 'null', stdout: file, stderr: 'stdout' });
    expect([opened.stdin, opened.stdout, opened.stderr]).toEqual([null, null, null]);
    const child = await opened.hand((streams) =>
      start(shell('echo one; echo two >&2; readlink /proc/self/fd/0'), { streams }),
    );
    await child.exited;
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n/dev/null\n');
    // The caller's own descriptor stays the caller's.
    expect(readlinkSync(`/proc/self/fd/${file}`)).toBe(path);
    rmSync(path);
  });

  itNeeds(['linux'], 'give the container a pipe that blocks, as programs expect', async () => {
    const opened = openStreams('pipe');
    const child = await opened.hand((streams) =>
      start(shell('grep -h ^flags /proc/self/fdinfo/0 /proc/self/fdinfo/1'), { streams }),
    );
    opened.stdin?.end();
    const flags = (await text(opened.stdout as NodeJS.ReadableStream)).match(/\d+/g) ?? [];
    await child.exited;
    expect(flags).toHaveLength(2);
    for (const word of flags) expect(Number.parseInt(word, 8) & 0o4000).toBe(0);
    opened.stderr?.destroy();
  });

  itNeeds(['linux'], 'leave nothing open: after the end, nor when starting fails', async () => {
    await capture(shell('true'), { input: 'x' });
    await delay(20);
    const before = openDescriptors();
    for (let i = 0; i < 10; i++) {
      await capture(shell('echo x'), { input: 'x' });
      await expect(capture(failing, { input: 'x' })).rejects.toThrow('ENOENT');
    }
    await delay(20);
    expect(openDescriptors()).toBe(before);
  });
});
