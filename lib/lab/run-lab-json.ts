/** A run of a lab for other programs: a line of JSON for each event. */
import type { Token } from 'marked';
import type { Block } from './reading.ts';
import { allHeld, asExpected } from './report.ts';
import type { Teller } from './run-lab-events.ts';

export function tellJson(write: (line: string) => void): Teller {
  const emit = (event: string, fields: object) => write(JSON.stringify({ event, ...fields }));
  return {
    begin: async (frontMatter) => emit('begin', frontMatter),
    block: async (block) => emit('text', { kind: block.kind, text: markdownOf(block) }),
    step: async ({ name, title, source }) => {
      emit('step', { step: name, title, source });
    },
    output: (step, text) => emit('output', { step, text }),
    stepped: async (step) => emit('stepped', { step }),
    examine: async () => {},
    finding: (finding) => emit('check', finding),
    attack: (outcome) => emit('attack', { ...outcome, asExpected: asExpected(outcome) }),
    attacked: async () => {},
    failed: (problem) => emit('error', problem),
    kept: (directory) => emit('kept', { directory }),
    done: (summary) => emit('done', { ...summary, held: allHeld(summary) }),
    close: () => {},
  };
}

const rawOf = (tokens: readonly Token[]) =>
  tokens
    .map(({ raw }) => raw)
    .join('\n\n')
    .trim();

function markdownOf(block: Block): string {
  switch (block.kind) {
    case 'text':
    case 'predict':
      return rawOf(block.tokens);
    case 'fold':
      return block.summary;
    case 'step':
      return block.name;
    case 'output':
      return block.claim;
    default:
      return block.text;
  }
}
