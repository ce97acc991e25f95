/**
 * Reaching a running machine. `vagrant ssh` takes seconds to begin; its ssh-config is asked for once
 * and kept, and one connection serves all that follow within ten minutes (ControlMaster).
 *
 * ssh(1), ssh_config(5)
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { filesOf, type Machine, ownDirectory } from './machines.ts';
import { readVagrant, type VagrantSetup } from './vagrant.ts';
import { VmError } from './vm-error.ts';

export interface Guest {
  machine: Machine;
  setup: VagrantSetup;
}

/** ssh's own exit code for a connection that failed or broke. */
const NO_CONNECTION = 255;

/** Handed on to what runs in the guest, where they are set. */
const HANDED_ON = ['TERM', 'COLORTERM', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'UNBOXED_RESULTS'];

/**
 * Makes sure that the machine answers, with a new ssh-config if it does not by the old one. Throws
 * VmError with exit code 3 when it does not by that one either.
 */
export async function connect({ machine, setup }: Guest): Promise<void> {
  const { ssh } = filesOf(machine);
  if (existsSync(ssh) && (await answers({ machine, setup }))) return;
  disconnect({ machine, setup });
  const config = await readVagrant(setup, ['ssh-config', machine]);
  writeFileSync(
    ssh,
    `${config.trimEnd()}\n${OPTIONS.map((line) => `  ${line}\n`).join('')}${control(machine)}`,
  );
  if (await answers({ machine, setup })) return;
  throw new VmError(`${machine} does not answer by ssh`, {
    exitCode: 3,
    remedy: 'npm run vm brings it up again',
  });
}

const OPTIONS = ['ConnectTimeout 30', 'ServerAliveInterval 15', 'ServerAliveCountMax 8'];

/** Windows' ssh has no sockets for it. */
function control(machine: Machine): string {
  if (process.platform === 'win32') return '';
  return `  ControlMaster auto\n  ControlPath "${socket(machine)}"\n  ControlPersist 600\n`;
}

/** A socket's path may have 104 bytes; a checkout's may be longer. */
function socket(machine: Machine): string {
  const hash = createHash('sha256').update(ownDirectory()).digest('hex').slice(0, 12);
  return join(tmpdir(), `unboxed-ssh-${hash}-${machine}`);
}

async function answers(guest: Guest): Promise<boolean> {
  const [file = '', ...args] = sshWords(guest, [], 'true');
  // The connection that stays open keeps the standard error that it was given.
  const { exitCode } = await execa(file, args, { reject: false, stdio: 'ignore' });
  return exitCode === 0;
}

/** Ends the connection that is kept, when there is one. */
export function disconnect({ machine, setup }: Guest): void {
  if (!existsSync(filesOf(machine).ssh)) return;
  const [file = '', ...args] = sshWords({ machine, setup }, ['-O', 'exit']);
  spawn(file, args, { stdio: 'ignore' }).on('error', () => {});
  rmSync(socket(machine), { force: true });
}

/** The address and port that the kept configuration names. */
export function addressOf(machine: Machine): string | null {
  const { ssh } = filesOf(machine);
  if (!existsSync(ssh)) return null;
  const text = readFileSync(ssh, 'utf8');
  const [host, port] = ['HostName', 'Port'].map(
    (name) => new RegExp(`^\\s*${name} (\\S+)`, 'm').exec(text)?.[1],
  );
  return host ? `${host}:${port ?? 22}` : null;
}

/** The words of an ssh command; `command` is for the guest's shell. */
export function sshWords({ machine, setup }: Guest, flags: string[], command?: string): string[] {
  const words = [...setup.enter, 'ssh', '-F', filesOf(machine).ssh, ...flags, machine];
  return command === undefined ? words : [...words, command];
}

/** What a command of the guest's shell prints, as its ordinary user. */
export async function readGuest(guest: Guest, command: string): Promise<string> {
  const [file = '', ...args] = sshWords(guest, ['-T'], command);
  const { stdout, stderr, exitCode } = await execa(file, args, { reject: false, stdin: 'ignore' });
  if (exitCode === 0) return stdout;
  throw new VmError(`${guest.machine}: ${command}: ${stderr.trim() || `exit code ${exitCode}`}`);
}

/**
 * Runs `argv` as root in /unboxed with our standard streams, on a terminal of the guest's when ours
 * is one, and resolves to its exit code. Signals go on to it: a terminal does that by itself.
 */
export async function runInVm(
  guest: Guest,
  argv: readonly string[],
  options: { tty?: boolean; env?: Record<string, string> } = {},
): Promise<number> {
  const tty = options.tty ?? (process.stdin.isTTY && process.stdout.isTTY);
  const handed = HANDED_ON.flatMap((name) =>
    process.env[name] ? [[name, process.env[name]]] : [],
  );
  const env = Object.entries({ ...Object.fromEntries(handed), ...options.env });
  const pidFile = `/run/unboxed-${randomBytes(6).toString('hex')}`;
  // Without a terminal nothing tells the guest of our signals: its pid is left where we can ask.
  const begin = tty ? 'exec "$@"' : `echo $$ >${pidFile} && trap "rm -f ${pidFile}" EXIT && "$@"`;
  const shell = ['sh', '-c', `cd /unboxed && ${begin}`, 'sh', ...argv];
  const words = ['sudo', '-n', 'env', ...env.map(([name, value]) => `${name}=${value}`), ...shell];
  const command = words.map(quote).join(' ');
  const [file = '', ...args] = sshWords(guest, [tty ? '-tt' : '-T'], command);
  const child = spawn(file, args, { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => {
    if (!tty) void signalGuest(guest, pidFile, signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, forward);
  try {
    const [code, signal] = await once(child, 'close');
    if (code === NO_CONNECTION) {
      throw new VmError(`the connection to ${guest.machine} broke`, {
        remedy: 'npm run vm:status',
      });
    }
    return code ?? 128 + constants.signals[signal as NodeJS.Signals];
  } finally {
    for (const signal of signals) process.removeListener(signal, forward);
  }
}

/** To every process that the shell there has started. */
async function signalGuest(guest: Guest, pidFile: string, signal: string): Promise<void> {
  const name = signal.replace(/^SIG/, '');
  const kill = `sudo sh -c 'pkill -${name} -P "$(cat ${pidFile})"'`;
  const [file = '', ...args] = sshWords(guest, ['-T'], kill);
  await execa(file, args, { reject: false, stdin: 'ignore' });
}

/** One word for the guest's shell. */
export function quote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
