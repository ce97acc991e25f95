/**
 * The learner's keys. While a lab runs in a terminal the terminal is raw: a key counts at once, and
 * one that is pressed while nothing is asked counts for nothing, so that nobody who is impatient
 * runs a step unseen. Ctrl-C comes as a key as well, at any time.
 *
 * `openKeyboard` takes the terminal; `close` gives it back, as do process.exit and the signals that
 * end a process.
 */
import { createInterface, emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { holdTerminal } from '../launch/terminal.ts';

export interface Keyboard {
  /** Resolves to the next key: `enter`, `space`, a letter, `?` … */
  key(): Promise<string>;
  /** Resolves to a line of text, edited in place; empty when the learner had nothing to say. */
  line(question: string): Promise<string>;
  /** Gives the terminal to `work`, as it was before, and takes it back afterwards. */
  lend<T>(work: () => Promise<T>): Promise<T>;
  /** Milliseconds that have gone by waiting for the learner. */
  idle(): number;
  close(): void;
}

interface Key {
  name?: string;
  ctrl?: boolean;
}

export interface KeyboardOptions {
  input: ReadStream;
  output: WriteStream;
  /** Called at Ctrl-C, whatever is going on. */
  interrupt: () => void;
  /** Once it is aborted, whoever waits for a key or a line gets its reason as an error. */
  signal: AbortSignal;
}

export function openKeyboard(options: KeyboardOptions): Keyboard {
  const { input, interrupt, signal } = options;
  let waiting: ((key: string) => void) | undefined;
  let hold: Disposable | undefined;
  const pressed = (text: string | undefined, key: Key) => {
    if (key.ctrl && key.name === 'c') return interrupt();
    const resolve = waiting;
    waiting = undefined;
    resolve?.(nameOf(text, key));
  };
  const take = () => {
    hold = holdTerminal(input);
    input.on('keypress', pressed);
    input.resume();
  };
  const giveBack = () => {
    input.off('keypress', pressed);
    input.pause();
    hold?.[Symbol.dispose]();
    hold = undefined;
  };

  let idle = 0;
  const waitingFor = async <T>(answer: Promise<T>): Promise<T> => {
    const begun = performance.now();
    try {
      return await answer;
    } finally {
      idle += performance.now() - begun;
    }
  };

  emitKeypressEvents(input);
  take();
  const lend = async <T>(work: () => Promise<T>): Promise<T> => {
    giveBack();
    try {
      return await work();
    } finally {
      take();
    }
  };
  return {
    key: () =>
      waitingFor(
        new Promise((resolve, reject) => {
          waiting = resolve;
          rejectAtAbort(signal, reject);
        }),
      ),
    line: (question) => waitingFor(lend(() => askLine(options, question))),
    lend: (work) => waitingFor(lend(work)),
    idle: () => idle,
    close: giveBack,
  };
}

function askLine(options: KeyboardOptions, question: string): Promise<string> {
  const { input, output, interrupt, signal } = options;
  const lines = createInterface({ input, output, terminal: true });
  return new Promise<string>((resolve, reject) => {
    rejectAtAbort(signal, reject);
    lines.on('SIGINT', interrupt);
    // Ctrl-D ends the input without an answer.
    lines.on('close', () => resolve(''));
    lines.question(question, (answer) => resolve(answer.trim()));
  }).finally(() => lines.close());
}

function rejectAtAbort(signal: AbortSignal, reject: (reason: unknown) => void): void {
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
}

function nameOf(text: string | undefined, { name, ctrl }: Key): string {
  if (name === 'return' || name === 'enter') return 'enter';
  if (ctrl && name === 'd') return 'q';
  return name === 'space' ? 'space' : (text ?? name ?? '');
}
