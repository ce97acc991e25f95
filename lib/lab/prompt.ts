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
}

export function openKeyboard({ input, output, interrupt }: KeyboardOptions): Keyboard {
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
      new Promise((resolve) => {
        waiting = resolve;
      }),
    line: (question) => lend(() => askLine({ input, output, interrupt }, question)),
    lend,
    close: giveBack,
  };
}

function askLine({ input, output, interrupt }: KeyboardOptions, question: string): Promise<string> {
  const lines = createInterface({ input, output, terminal: true });
  return new Promise((resolve) => {
    lines.on('SIGINT', interrupt);
    // Ctrl-D ends the input without an answer.
    lines.on('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer.trim());
      lines.close();
    });
  });
}

function nameOf(text: string | undefined, { name, ctrl }: Key): string {
  if (name === 'return' || name === 'enter') return 'enter';
  if (ctrl && name === 'd') return 'q';
  return name === 'space' ? 'space' : (text ?? name ?? '');
}
