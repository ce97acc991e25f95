import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { untilAsleep } from '../observe/asleep.ts';
import { findCommand } from '../observe/command.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { childrenOf, identify, isSame, processesWithEnv } from '../observe/process.ts';
import { endProcesses } from './end-processes.ts';

const PATH = process.env.PATH ?? '';

/** A shell that says when its child runs. */
async function startShell(script: string, env: Record<string, string>) {
  const shell = spawn('sh', ['-c', `${script} & echo; wait`], { env: { PATH, ...env } });
  const ended = once(shell, 'exit');
  await once(shell.stdout, 'data');
  return { pid: shell.pid ?? 0, ended, kill: () => shell.kill('SIGKILL') };
}

itNeeds(['linux'], 'ends the marked processes and their unmarked children, no others', async () => {
  const marked = await startShell('env -i sleep 1000', { container: 'end-me' });
  const longer = await startShell('exec sleep 1000', { container: 'end-me-not' });
  const unmarked = await startShell('exec sleep 1000', { CONTAINER: 'end-me' });
  const children = childrenOf(marked.pid).map(identify);
  expect(children).toHaveLength(1);
  await endProcesses('end-me');
  expect(await marked.ended).toEqual([null, 'SIGKILL']);
  expect(children.filter(isSame)).toEqual([]);
  expect(processesWithEnv('container', 'end-me')).toEqual([]);
  for (const other of [longer, unmarked]) {
    const [child = 0] = childrenOf(other.pid);
    expect([other.pid, child].map((pid) => isSame(identify(pid)))).toEqual([true, true]);
    process.kill(child, 'SIGKILL');
    await other.ended;
  }
});

itNeeds(['linux'], 'nobody marked is nothing to do', async () => {
  await endProcesses('nobody-has-this-name');
});

itNeeds(['linux'], 'who forks and ends while it is looked for does not get away', async () => {
  for (let round = 0; round < 60; round++) {
    const container = `relay-${process.pid}-${round}`;
    spawn('sh', ['-c', 'sleep 1000 & exit'], { env: { PATH, container }, stdio: 'ignore' });
    while (processesWithEnv('container', container).length === 0) await setTimeout(0);
    await endProcesses(container);
    await setTimeout(5);
    const left = processesWithEnv('container', container);
    // Not to be left to run where this fails.
    if (left.length > 0) await endProcesses(container);
    expect([round, left]).toEqual([round, []]);
  }
});

itNeeds(['linux'], 'a marked ancestor that cleans up survives it', async () => {
  const module = new URL('end-processes.ts', import.meta.url).href;
  const program = `import { endProcesses } from ${JSON.stringify(module)};
    await endProcesses('own'); console.log('alive');`;
  const argv = ['-c', '"$0" --input-type=module -e "$1"; echo shell $?', process.execPath, program];
  const shell = spawn('sh', argv, { env: { PATH, container: 'own' } });
  let output = '';
  shell.stdout.on('data', (data) => {
    output += data;
  });
  await once(shell, 'close');
  expect(output).toBe('alive\nshell 0\n');
});

itNeeds(
  ['root', 'busybox'],
  'ends who has the directory as root, also with no environment',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'unboxed-root-'));
    await copyFile(findCommand('busybox') ?? '', join(root, 'busybox'));
    const inside = spawn('chroot', [root, '/busybox', 'sleep', '1000'], { env: { PATH } });
    const ended = once(inside, 'exit');
    await untilAsleep(inside.pid ?? 0);
    const outside = spawn('sleep', ['1000'], { env: { PATH } });
    await endProcesses('nobody-has-this-name', root);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(outside.exitCode).toBeNull();
    outside.kill('SIGKILL');
    await once(outside, 'exit');
    await rm(root, { recursive: true });
  },
);
