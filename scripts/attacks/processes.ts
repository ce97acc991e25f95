/**
 * What if … the container sends signals to processes of the host, or traces them? The victim is one
 * that was started for it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Attack, type Guard, lastLine, why } from './attack.ts';
import { give } from './capabilities.ts';
import type { RunOptions, Scene } from './scene.ts';

/** linux/ptrace.h */
const PTRACE_SEIZE = 0x4206;

const hostsPids: RunOptions['change'] = ({ linux }) => {
  linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
};

async function withVictim<T>(body: (victim: ChildProcess, pid: number) => Promise<T>) {
  const victim = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    return await body(victim, victim.pid ?? 0);
  } finally {
    await end(victim);
  }
}

/** How it has ended: of two signals that kill, the first is the one that is told. */
async function end(victim: ChildProcess): Promise<NodeJS.Signals | null> {
  if (victim.signalCode === null) {
    const ended = once(victim, 'exit');
    victim.kill('SIGTERM');
    await ended;
  }
  return victim.signalCode;
}

const signal: Attack = {
  title: 'kill a process of the host by its pid',
  protection: 'pid namespace',
  attempt: (scene, guard) =>
    withVictim(async (victim, pid) => {
      const ran = await scene.run({
        script: `kill -KILL ${pid}`,
        ...(guard === 'off' ? { change: hostsPids } : {}),
      });
      const by = await end(victim);
      return {
        succeeded: by === 'SIGKILL',
        seen: `${why(ran)}; it ended by ${by}`,
      };
    }),
};

/** After execve it traces still, and /proc says by whom the other is traced. */
const seize = (scene: Scene, pid: number, change: RunOptions['change']) =>
  scene.run({
    calls: (call) => {
      call.attempt.ptrace(PTRACE_SEIZE, pid, 0, 0);
      call.execve('/bin/sh', ['sh', '-c', `grep TracerPid /proc/${pid}/status`], {});
    },
    ...(change ? { change } : {}),
  });

const trace: Attack = {
  title: 'ptrace a process of the host',
  protection: 'pid namespace',
  given: 'CAP_SYS_PTRACE',
  attempt: (scene, guard: Guard) =>
    withVictim(async (_, pid) => {
      const ran = await seize(scene, pid, (spec, at) => {
        if (guard !== 'default') give('CAP_SYS_PTRACE')(spec, at);
        if (guard === 'off') hostsPids(spec, at);
      });
      return {
        succeeded: /TracerPid:\s*[1-9]/.test(ran.stdout),
        seen: lastLine(ran.stdout).replace(/\s+/g, ' ') || why(ran),
      };
    }),
};

const traceAsRoot: Attack = {
  title: 'the same where the host’s pids are shared',
  protection: 'no CAP_SYS_PTRACE',
  given: 'the host’s pid namespace',
  attempt: (scene, guard: Guard) =>
    withVictim(async (_, pid) => {
      const ran = await seize(scene, pid, (spec, at) => {
        if (guard !== 'default') hostsPids(spec, at);
        if (guard === 'off') give('CAP_SYS_PTRACE')(spec, at);
      });
      return {
        succeeded: /TracerPid:\s*[1-9]/.test(ran.stdout),
        seen: lastLine(ran.stdout).replace(/\s+/g, ' ') || why(ran),
      };
    }),
};

export const attacks: readonly Attack[] = [signal, trace, traceAsRoot];
