/** Who a lab is told to: another program, a log, or somebody at the keyboard. */
import type { ReadStream, WriteStream } from 'node:tty';
import type { LabOptions } from './options.ts';
import { type KeyboardOptions, openKeyboard } from './prompt.ts';
import { openPager } from './prompt-pager.ts';
import type { Renderer } from './render.ts';
import type { Teller } from './run-lab-events.ts';
import { tellJson } from './run-lab-json.ts';
import { type Desk, tellPages } from './run-lab-pages.ts';
import { tellText } from './run-lab-text.ts';

export interface Terminal {
  stdin: ReadStream;
  stdout: WriteStream;
}

type Options = Pick<LabOptions, 'mode' | 'json' | 'yes'>;

const MOST_COLUMNS = 100;

/** How wide, and whether in colour; NO_COLOR and a dumb terminal are respected. */
export function lookOf(stdout: WriteStream): { width: number; color: boolean } {
  return {
    width: Math.min(stdout.columns || MOST_COLUMNS, MOST_COLUMNS),
    color: stdout.isTTY === true && stdout.hasColors(),
  };
}

/** A desk where there is somebody to sit at it, and something to wait for. */
export function openDesk(
  { mode, json, yes }: Options,
  { stdin, stdout }: Terminal,
  renderer: Renderer | undefined,
  { interrupt, signal }: Pick<KeyboardOptions, 'interrupt' | 'signal'>,
): Desk | undefined {
  if (json || yes || !renderer || !stdin.isTTY || !stdout.isTTY) return undefined;
  if (mode !== 'lab' && mode !== 'single-step') return undefined;
  const keyboard = openKeyboard({ input: stdin, output: stdout, interrupt, signal });
  return { keyboard, pager: openPager(stdout, keyboard, renderer.paint), renderer };
}

/** Without a renderer it is another program that is told. */
export function chooseTeller(
  { stdout }: Terminal,
  renderer: Renderer | undefined,
  desk: Desk | undefined,
): Teller {
  const write = (text: string) => void stdout.write(`${text}\n`);
  if (!renderer) return tellJson(write);
  return desk ? tellPages(desk) : tellText(write, renderer);
}
