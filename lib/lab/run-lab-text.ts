/** A run of a lab straight through, as text: on a pipe, in a log, or with `--yes`. */
import type { Renderer } from './render.ts';
import { formatAttacks, formatFinding, formatSummary } from './report.ts';
import type { Problem, StepEvent, Teller } from './run-lab-events.ts';

/** `write` gets whole lines, without the last newline. */
export function tellText(write: (text: string) => void, renderer: Renderer): Teller {
  const { paint } = renderer;
  return {
    begin: async (frontMatter) => write(`${renderer.head(frontMatter)}\n`),
    block: async (block) => {
      const text = renderer.block(block);
      if (text !== undefined) write(`${text}\n`);
    },
    step: async (step) => {
      write(`${formatStep(step, renderer)}\n`);
    },
    output: (_step, text) => write(text.replace(COMMAND, (line) => paint('bold', line))),
    stepped: async () => write(''),
    examine: async () => write(`${formatRule('checks, from outside', renderer)}\n`),
    finding: (finding) => write(formatFinding(finding, renderer)),
    attack: () => {},
    attacked: async (outcomes) => {
      write(`\n${formatAttacks(outcomes, renderer)}`);
    },
    failed: (problem) => write(formatProblem(problem, renderer)),
    kept: (directory) => write(paint('dim', `kept: ${directory}`)),
    done: (summary) => write(`\n${formatSummary(summary, paint)}`),
    close: () => {},
  };
}

/** What was typed, on the lab's host or in a container. */
const COMMAND = /^(?:\$|\w+#) .*$/gm;

/** The step's title, and its source. */
export function formatStep(step: StepEvent, renderer: Renderer): string {
  const name = `step ${step.place} of ${step.total}: ${step.title}`;
  return `${formatRule(name, renderer)}\n${renderer.source(step.source)}`;
}

/** A line across the screen with a title in it. */
export function formatRule(title: string, { paint, width }: Renderer): string {
  const rule = '─'.repeat(Math.max(3, width - title.length - 4));
  return paint('cyan', `── ${title} ${rule}`);
}

export function formatProblem({ during, message, hint }: Problem, { paint }: Renderer): string {
  const lines = [`${paint('red', '✗')} ${during}: ${message}`];
  if (hint) lines.push(`  ${paint('dim', 'hint')}  ${hint}`);
  return lines.join('\n');
}
