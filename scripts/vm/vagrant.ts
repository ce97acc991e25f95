/**
 * Running Vagrant. What it prints goes to a file, not into a pipe: when we are killed it comes to
 * its end all the same, and what it said can be read afterwards. We follow the file.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { VAGRANT_DIRECTORY } from './machines.ts';
import type { Turn } from './turn.ts';
import { VmError } from './vm-error.ts';

/** For what Vagrant cleans up when it is asked to stop. */
const PATIENCE_MS = 30_000;

export interface VagrantSetup {
  provider: string;
  /** Words before a command that make it run where libvirt answers. */
  enter: readonly string[];
  /** For the Vagrantfile, beside our own environment. */
  env: Record<string, string>;
}

export interface VagrantRun {
  setup: VagrantSetup;
  args: readonly string[];
  log: string;
  /** Vagrant has them too, as long as it runs. */
  turns: readonly Turn[];
  onLine: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Resolves when Vagrant has ended well. When `signal` is aborted it is asked to stop as Ctrl-C
 * would, and may clean up. Throws VmError with the last of what it said.
 */
export async function runVagrant(run: VagrantRun): Promise<void> {
  const { setup, args, log, turns, onLine, signal } = run;
  const output = openSync(log, 'a');
  const from = readFileSync(log).length;
  const [file = '', ...rest] = [...setup.enter, 'vagrant', ...args, '--no-color', '--no-tty'];
  const windows = process.platform === 'win32';
  const child = spawn(file, rest, {
    env: environment(setup),
    stdio: ['ignore', output, output],
    // A process group of its own, so that Ctrl-C reaches it once: at the second it gives up at once.
    detached: !windows,
    shell: windows,
  });
  closeSync(output);
  for (const turn of turns) if (child.pid !== undefined) turn.share(child.pid);
  let late: NodeJS.Timeout | undefined;
  const stop = () => {
    interrupt(child.pid, 'SIGINT');
    // It may wait for a machine that will not answer; what it leaves then is mended.
    late = setTimeout(() => interrupt(child.pid, 'SIGKILL'), PATIENCE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = once(child, 'close');
    const following = follow(log, from, onLine, ended);
    const [code, killed] = await ended;
    await following;
    if (code === 0) return;
    if (signal.aborted) throw signal.reason;
    const why = killed ? `was ended by ${killed}` : `ended with ${code}`;
    throw new VmError(
      `vagrant ${args[0]} ${why}; its last lines (all of them: ${log}):\n${tail(log, from)}`,
    );
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
  }
}

/** What a Vagrant command prints. */
export async function readVagrant(setup: VagrantSetup, args: readonly string[]): Promise<string> {
  const [file = '', ...rest] = [...setup.enter, 'vagrant', ...args];
  const { stdout, stderr, exitCode } = await execa(file, rest, {
    env: environment(setup),
    stdin: 'ignore',
    reject: false,
  });
  if (exitCode === 0) return stdout;
  throw new VmError(`vagrant ${args.join(' ')}: ${stderr.trim().split('\n').slice(-5).join('\n')}`);
}

/** A signal to Vagrant and to what it has started, as a terminal would send it. */
export function interrupt(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function environment(setup: VagrantSetup): Record<string, string | undefined> {
  return {
    ...process.env,
    VAGRANT_CWD: VAGRANT_DIRECTORY,
    VAGRANT_DEFAULT_PROVIDER: setup.provider,
    // Neither asks the network about itself.
    VAGRANT_CHECKPOINT_DISABLE: '1',
    // A machine whose processor is emulated takes longer to start again than Vagrant's two minutes.
    VAGRANT_MAX_REBOOT_RETRY_DURATION: '900',
    ...setup.env,
  };
}

async function follow(
  log: string,
  from: number,
  onLine: (line: string) => void,
  ended: Promise<unknown>,
): Promise<void> {
  let over = false;
  ended.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  const file = openSync(log, 'r');
  const buffer = Buffer.alloc(1 << 16);
  try {
    for (let at = from, rest = ''; ; ) {
      const last = over;
      const count = readSync(file, buffer, 0, buffer.length, at);
      at += count;
      // Progress in percent rewrites its line.
      const lines = (rest + buffer.toString('utf8', 0, count)).split(/\r?\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
      if (count === 0 && last) return;
      if (count === 0) await sleep(100);
    }
  } finally {
    closeSync(file);
  }
}

function tail(log: string, from: number): string {
  const text = stripVTControlCharacters(readFileSync(log).subarray(from).toString('utf8'));
  const lines = text
    .split(/\r?\n|\r/)
    .filter((line) => line.trim() && !/Progress: \d+%/.test(line));
  return lines
    .slice(-15)
    .map((line) => `  ${line}`)
    .join('\n');
}
