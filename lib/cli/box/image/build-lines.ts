/**
 * What is shown of a build. Plain: each step, what its command says, and what came of it. At a
 * terminal a line for each step, below it the last line of output while it runs; all of the output is
 * shown where the step fails.
 */
import { stripVTControlCharacters } from 'node:util';
import type { BuildEvent } from '../../../image/build/build.ts';
import type { ImageRecord } from '../../../image/store.ts';
import { openLiveLines } from '../../output/live-lines.ts';
import { formatSize, shortId } from '../../output/units.ts';

export interface BuildShow {
  event: (event: BuildEvent) => void;
  failed(): void;
  done(image: ImageRecord, names: readonly string[]): void;
}

export function showBuild({ quiet, progress }: { quiet?: boolean; progress: string }): BuildShow {
  if (quiet) {
    const output: Buffer[] = [];
    return {
      event: (event) => void (event.kind === 'output' && output.push(event.chunk)),
      failed: () => void process.stderr.write(Buffer.concat(output)),
      done: ({ id }) => void process.stdout.write(`${id}\n`),
    };
  }
  const changing = process.stdout.isTTY && progress !== 'plain';
  const { event, failed } = changing ? showChanging() : showPlain();
  return {
    event: (told) => {
      if (told.kind !== 'warning') event(told);
      else process.stderr.write(`box: warning: ${told.text}\n`);
    },
    failed,
    done({ id }, names) {
      process.stdout.write(`Successfully built ${shortId(id)}\n`);
      for (const name of names) process.stdout.write(`Successfully tagged ${name}\n`);
    },
  };
}

type Told = Exclude<BuildEvent, { kind: 'warning' }>;

function showPlain() {
  return {
    event(event: Told) {
      if (event.kind === 'step') {
        process.stdout.write(`Step ${event.number}/${event.of} : ${event.text}\n`);
      } else if (event.kind === 'cached') process.stdout.write(' ---> Using cache\n');
      else if (event.kind === 'output') process.stdout.write(event.chunk);
      else process.stdout.write(` ---> ${shortId(event.chainId)} ${formatSize(event.size)}\n`);
    },
    failed: () => undefined,
  };
}

function showChanging() {
  const lines = openLiveLines(process.stdout);
  let step = '';
  let output: Buffer[] = [];
  const LAST = 'output';
  return {
    event(event: Told) {
      switch (event.kind) {
        case 'step':
          step = `[${event.number}/${event.of}] ${printable(event.text)}`;
          output = [];
          lines.set(step, step);
          return;
        case 'cached':
          lines.set(step, `${step}  CACHED`);
          return;
        case 'layer':
          lines.set(step, `${step}  ${formatSize(event.size)}`);
          return;
        case 'output': {
          output.push(event.chunk);
          const last =
            event.chunk
              .toString()
              .trimEnd()
              .split(/[\r\n]+/)
              .at(-1) ?? '';
          lines.set(`${step} ${LAST}`, `    ${printable(last)}`);
        }
      }
    },
    failed: () => void process.stdout.write(Buffer.concat(output)),
  };
}

/** Without what would move the cursor. */
const printable = (text: string) => stripVTControlCharacters(text).replace(/\p{Cc}/gu, ' ');
