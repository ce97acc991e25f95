/**
 * A container run to its end, with what it wrote: for probes and attacks, whose output is the
 * evidence. Nothing of this process's terminal is in it: without `input`, stdin is /dev/null.
 */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Program } from './program.ts';
import { type Child, type StartOptions, start } from './start.ts';
import { openStreams } from './streams.ts';
import type { Exit } from './wait.ts';

export interface Captured {
  exit: Exit;
  /** Decoded as UTF-8. */
  stdout: string;
  stderr: string;
  pid: number;
  results: Child['results'];
}

export interface CaptureOptions extends Omit<StartOptions, 'streams'> {
  /** What the program reads from its stdin, up to end of file. */
  input?: string;
  /** Called as soon as the container's program runs. */
  onStart?: (child: Child) => void;
}

/**
 * Starts `program` and resolves when it has ended and nobody holds its output open any more.
 * Throws as `start` does.
 */
export async function capture(program: Program, options: CaptureOptions = {}): Promise<Captured> {
  const { input, onStart, ...startOptions } = options;
  const opened = openStreams({
    stdin: input === undefined ? 'null' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const child = await opened.hand((streams) => start(program, { ...startOptions, streams }));
  onStart?.(child);
  const [exit, stdout, stderr] = await Promise.all([
    child.exited,
    text(opened.stdout as Readable),
    text(opened.stderr as Readable),
    opened.stdin && feed(opened.stdin, input ?? ''),
  ]);
  return { exit, stdout, stderr, pid: child.pid, results: child.results };
}

/** Writes all of `input` and closes; a program that ends without reading it is no error. */
async function feed(stdin: NodeJS.WritableStream, input: string): Promise<void> {
  const closed = once(stdin, 'close').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
  });
  stdin.end(input);
  await closed;
}
