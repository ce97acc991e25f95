/**
 * A container that is started one call at a time. Before each call the reader sees it, its man page
 * and what the kernel answered to the one before, and may look at the half-built container's /proc.
 * Without a reader all pauses are printed, each with what the last call has changed.
 */

import { formatAction } from '../host/format.ts';
import type { LaunchError } from '../launch/launch-error.ts';
import { nextStop, type Pause, type StepCommand, stepProgram } from '../launch/step.ts';
import { openStreams } from '../launch/streams.ts';
import type { RuntimeModule } from './lab.ts';
import { lookAt } from './look.ts';
import { formatLook } from './look-text.ts';
import type { Pager } from './prompt-pager.ts';
import type { Paint } from './render-paint.ts';
import { withPrepared } from './run-lab-container.ts';
import type { Workbench } from './workbench.ts';

export interface StepScreen {
  write: (text: string) => void;
  paint: Paint;
  /** A line of JSON for each pause, in place of text. */
  json: boolean;
  /** The reader; undefined where there is nobody to ask. */
  desk?: { pager: Pager } | undefined;
}

const PROGRAM = ['/bin/sh', '-c', 'echo "the container runs, its shell is pid $$"'];

/** Resolves when the container has ended, or the reader has ended it. */
export async function singleStep(
  workbench: Workbench,
  module: RuntimeModule,
  screen: StepScreen,
): Promise<void> {
  const { write, paint } = screen;
  const around = async (action: Parameters<typeof formatAction>[0] & { name: string }) => {
    const commands = formatAction(action);
    if (screen.json) write(JSON.stringify({ event: 'action', name: action.name, commands }));
    else write(`${paint('bold', `host: ${action.name}`)}\n${indent(commands)}`);
  };
  await withPrepared(workbench, module, { argv: PROGRAM, around }, async (watched) => {
    const streams = openStreams({ stdin: 'null', stdout: 'pipe', stderr: 'stdout' });
    const ask = chooseAsker(screen);
    try {
      const child = await streams.hand((given) =>
        stepProgram(watched.runtime.program, { ...watched.launch, ask, streams: given }),
      );
      let printed = '';
      for await (const chunk of streams.stdout ?? []) printed += chunk;
      const { code, signal } = await child.exited;
      const exit = signal ?? `exit ${code}`;
      if (screen.json) write(JSON.stringify({ event: 'ended', output: printed, exit }));
      else write(`${printed}${paint('bold', `the container ended: ${exit}`)}`);
    } catch (error) {
      if (!(error as LaunchError).aborted) throw error;
      write('aborted: the half-built container is gone');
    }
  });
}

type Ask = (pause: Pause) => Promise<StepCommand>;

function chooseAsker(screen: StepScreen): Ask {
  if (screen.json) return reporting(screen);
  return screen.desk ? asking(screen, screen.desk) : telling(screen);
}

const reporting =
  ({ write }: StepScreen): Ask =>
  async ({ results: _, ...pause }) => {
    write(JSON.stringify({ event: 'pause', ...pause, look: formatLook(lookAt(pause.pid)) }));
    return 'next';
  };

const indent = (lines: readonly string[]) => lines.map((line) => `    ${line}`).join('\n');

function formatPause({ index, total, text, page, previous }: Pause, paint: Paint): string {
  const lines = [];
  if (previous) lines.push(`    ${paint('green', `→ ${previous.result}`)}`);
  const number = paint('dim', `${index + 1}/${total}`);
  return [...lines, `${number}  ${paint('bold', text)}  ${paint('dim', page ?? '')}`].join('\n');
}

/** Prints every pause and what /proc shows that it did not show at the pause before. */
function telling({ write, paint }: StepScreen): Ask {
  let before: string[] = [];
  return async (pause) => {
    const seen = formatLook(lookAt(pause.pid));
    const [answer, next = answer] = formatPause(pause, paint).split('\n');
    if (next !== answer) write(answer ?? '');
    const changed = seen.filter((line) => !before.includes(line));
    if (changed.length > 0) write(paint('dim', indent(changed)));
    before = seen;
    write(next ?? '');
    return 'next';
  };
}

function asking({ paint }: StepScreen, { pager }: NonNullable<StepScreen['desk']>): Ask {
  const choices = '── Enter next · l look at /proc · s skip to a line · c continue · a abort ';
  return async (pause) => {
    await pager.page(formatPause(pause, paint));
    for (;;) {
      switch (await pager.ask(choices)) {
        case 'enter':
        case 'space':
          return 'next';
        case 'l':
          await pager.page(indent(formatLook(lookAt(pause.pid))));
          break;
        case 's': {
          const line = Number(await pager.line('Skip to line: ')) - 1;
          try {
            nextStop({ skipTo: line }, pause.index, pause.total);
            return { skipTo: line };
          } catch {
            // The only error is a line that is not ahead: the reader can choose another.
            await pager.page(`lines ${pause.index + 2} to ${pause.total} are ahead`);
          }
          break;
        }
        case 'c':
          return 'continue';
        case 'a':
        case 'q':
          return 'abort';
      }
    }
  };
}
