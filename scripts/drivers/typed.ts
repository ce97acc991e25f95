/**
 * A command line run with pipes, or at a terminal that is played: a size, something typed, and what
 * comes back, carriage returns and all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { openPty } from '../../lib/launch/pty.ts';
import type { Ran, Wanted } from './engine.ts';

/** After so long it is killed, and has failed. */
const SECONDS = 60;

/** Throws Error when it cannot be started or does not end. */
export function runCommand(
  argv: readonly string[],
  { input, tty }: Pick<Wanted, 'input' | 'tty'> = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ran> {
  return tty ? atTerminal(argv, { input, tty }, env) : withPipes(argv, input, env);
}

/** Standard output, without white space at its ends. Throws Error with what it said when it fails. */
export async function ask(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await runCommand(argv, {}, env);
  if (code === 0) return stdout.trim();
  throw new Error(`${argv.join(' ')}: exit code ${code}: ${(stderr || stdout).trim()}`);
}

async function withPipes(
  [command = '', ...args]: readonly string[],
  input: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Ran> {
  const child = spawn(command, args, { env, stdio: 'pipe' });
  const texts = { stdout: '', stderr: '' };
  // It may end without having read it.
  child.stdin.on('error', () => {});
  // Given when somebody is there: clients lose the end of what is over before they have begun.
  if (input === undefined) child.stdin.end();
  else child.stdout.once('data', () => child.stdin.end(input));
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  return { code: await endOf(child, 'close', command), ...texts };
}

async function atTerminal(
  [command = '', ...args]: readonly string[],
  { input, tty }: Pick<Wanted, 'input' | 'tty'>,
  env: NodeJS.ProcessEnv,
): Promise<Ran> {
  const { master, slave } = openPty(tty);
  const child = spawn(command, args, { env, stdio: [slave, slave, slave] });
  const ended = endOf(child, 'exit', command);
  closeSync(slave);
  let stdout = '';
  const stream = new ReadStream(master);
  const over = new Promise<void>((resolve) => {
    // The last one who had the slave open has closed it: EIO is how a master says end of file.
    stream.on('error', () => resolve()).on('end', resolve);
  });
  let typed = input === undefined;
  stream.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    // Whoever types sees first that somebody asks.
    if (typed || !stdout.includes('?')) return;
    typed = true;
    stream.write(input ?? '');
  });
  const code = await ended;
  await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 500))]);
  stream.destroy();
  return { code, stdout, stderr: '' };
}

async function endOf(
  child: ChildProcess,
  event: 'exit' | 'close',
  command: string,
): Promise<number> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, SECONDS * 1000);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once(event, (code: number | null) => {
        if (late) reject(new Error(`${command} has not ended after ${SECONDS} s`));
        else resolve(code ?? -1);
      });
    });
  } finally {
    clearTimeout(timer);
  }
}
