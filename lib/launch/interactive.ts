/**
 * A container at the keyboard. It gets a pseudo-terminal of its own, while this process's terminal
 * is raw: every key goes through unchanged, and what it means is decided by the inner terminal.
 *
 *   keyboard ─▶ stdin, raw ─▶ master │ line discipline │ slave ─▶ sh
 *   screen  ◀─ stdout      ◀─ master │                 │ slave ◀─ sh
 *
 * The terminal's mode is put back on every way out: the end of the container, an exception,
 * process.exit, SIGTERM, SIGHUP and SIGINT to this process. Against SIGKILL to this process
 * nothing of ours can run: the terminal stays raw then, and `stty sane` helps.
 *
 * pty(7), termios(3), signal(7)
 */
import { closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { Program } from './program.ts';
import { openPty, readWindowSize } from './pty.ts';
import { type Child, type StartOptions, start } from './start.ts';
import { holdTerminal } from './terminal.ts';
import type { Exit } from './wait.ts';

export interface InteractiveOptions extends Omit<StartOptions, 'streams'> {
  /** Called when the container's program runs, before the first key goes to it. */
  onStart?: (child: Child) => void;
}

export interface Interaction {
  exit: Exit;
  pid: number;
  results: Child['results'];
}

const CTRL_D = '\x04';
const DEFAULT_SIZE = { rows: 24, columns: 80 };
/** Output is over when none has come for this long after the end of the container. */
const QUIET_MS = 50;
/** A process that the container left behind may write for ever; we listen no longer than this. */
const LAST_WORDS_MS = 1000;

/**
 * Runs `program` on a pseudo-terminal until it ends. Where stdin is no terminal its bytes are
 * handed on, with Ctrl-D at their end. stdin is paused afterwards and has no listener of ours.
 * Throws as `start` does; the terminal is not raw before the container's program runs.
 */
export async function runInteractive(
  program: Program,
  options: InteractiveOptions = {},
): Promise<Interaction> {
  const { onStart, ...startOptions } = options;
  const { stdin, stdout } = process;
  const sizeOfOurs = () => (stdin.isTTY ? readWindowSize(0) : DEFAULT_SIZE);
  const pty = openPty(sizeOfOurs());
  let child: Child;
  try {
    child = await start(program, { ...startOptions, streams: { tty: pty.slave } });
  } catch (error) {
    closeSync(pty.master);
    throw error;
  } finally {
    // While we held it, the master would never meet an end.
    closeSync(pty.slave);
  }

  using _ = holdTerminal(stdin);
  const master = new ReadStream(pty.master);
  const output = listen(master, (data) => stdout.write(data));
  const typed = (data: Buffer) => void master.write(data);
  const typedEnd = () => void master.write(CTRL_D);
  const resized = () => pty.resize(sizeOfOurs());
  stdin.on('data', typed).on('end', typedEnd);
  process.on('SIGWINCH', resized);
  try {
    onStart?.(child);
    resized();
    stdin.resume();
    const exit = await child.exited;
    await output.over();
    return { exit, pid: child.pid, results: child.results };
  } finally {
    process.off('SIGWINCH', resized);
    stdin.off('data', typed).off('end', typedEnd);
    stdin.pause();
    master.destroy();
    // Only an exception leaves it running, and nobody could end it any more.
    child.kill();
  }
}

/** Hands on what comes from the master; `over` resolves when there is no more. */
function listen(master: ReadStream, show: (data: Buffer) => void) {
  let ended: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let heard = performance.now();
  master.on('data', (data: Buffer) => {
    heard = performance.now();
    show(data);
  });
  // EIO is how a master says that the last descriptor of its slave was closed.
  master.on('error', () => ended());
  master.on('close', () => ended());

  const quiet = async () => {
    const since = performance.now();
    heard = since;
    while (performance.now() - heard < QUIET_MS && performance.now() - since < LAST_WORDS_MS) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS / 5));
    }
  };
  return { over: () => Promise.race([closed, quiet()]) };
}
