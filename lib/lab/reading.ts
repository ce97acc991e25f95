/**
 * A lab's README.md, taken apart into what the engine shows, asks and runs. The forms look right
 * on GitHub as well:
 *
 *   [step NAME](lab.ts)          alone in a paragraph: the step belongs here
 *   > **Predict.** question      asked before the next step
 *   <details><summary>…          a fold, closed at first
 *   ```output NAME               what step NAME prints, see reading-output.ts
 *   ```runtime                   an excerpt of the lab's runtime.ts
 *   ```ts lib/x/y.ts             an excerpt of that file of the repository
 *   ```console  ```text  ```json commands with their output, a drawing, data
 */
import type { Token, Tokens } from 'marked';
import { ReadingError } from './reading-error.ts';
import { type FrontMatter, takeFrontMatter } from './reading-front-matter.ts';
import { type FoldToken, lex, type StepToken } from './reading-lexer.ts';

export { ReadingError } from './reading-error.ts';
export type { FrontMatter } from './reading-front-matter.ts';
export { matchOutput, type OutputMatch } from './reading-output.ts';

/** `line` is where it begins in the file, from 1. */
export type Block = { line: number } & (
  | { kind: 'text'; tokens: Token[] }
  | { kind: 'step'; name: string }
  /** `tokens` without the word Predict. */
  | { kind: 'predict'; tokens: Token[] }
  | { kind: 'fold'; summary: string; blocks: Block[] }
  | { kind: 'output'; step: string; claim: string }
  | { kind: 'runtime'; text: string }
  /** `file` from the repository's root. */
  | { kind: 'source'; file: string; text: string }
  | { kind: 'console'; text: string }
  | { kind: 'drawing'; text: string }
  | { kind: 'data'; text: string }
);

export interface Reading {
  /** As given to parseReading. */
  file: string;
  frontMatter: FrontMatter;
  blocks: readonly Block[];
}

/** Pure. `file` is only for messages. Throws ReadingError. */
export function parseReading(text: string, file: string): Reading {
  const { frontMatter, body, bodyLine } = takeFrontMatter(text.replaceAll('\r\n', '\n'), file);
  return { file, frontMatter, blocks: readBlocks(lex(body), { file, line: bodyLine }) };
}

/** All blocks in their order, those in folds behind their fold. */
export function allBlocks(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block) =>
    block.kind === 'fold' ? [block, ...allBlocks(block.blocks)] : [block],
  );
}

interface Place {
  file: string;
  line: number;
  inFold?: boolean;
}

function readBlocks(tokens: readonly Token[], place: Place): Block[] {
  const blocks: Block[] = [];
  let { line } = place;
  for (const token of tokens) {
    const block = readBlock(token, { ...place, line });
    const last = blocks.at(-1);
    // Neighbouring paragraphs, lists and headings are one text.
    if (block?.kind === 'text' && last?.kind === 'text') last.tokens.push(...block.tokens);
    else if (block) blocks.push(block);
    line += token.raw.split('\n').length - 1;
  }
  return blocks;
}

function readBlock(token: Token, place: Place): Block | undefined {
  const { file, line } = place;
  const refuse = (problem: string): never => {
    throw new ReadingError(file, line, problem);
  };
  switch (token.type) {
    case 'space':
      return undefined;
    case 'step':
      if (place.inFold) refuse('a step cannot stand in a fold');
      return { kind: 'step', name: (token as StepToken).name, line };
    case 'fold': {
      const { summary, tokens = [], linesBefore } = token as FoldToken;
      const inside = { file, line: line + linesBefore, inFold: true };
      return { kind: 'fold', summary, blocks: readBlocks(tokens, inside), line };
    }
    case 'code':
      return { ...readCode(token as Tokens.Code, refuse), line };
    case 'html':
      if (/^<!--/.test(token.raw)) return undefined;
      return refuse('of HTML only <details> with an empty line before it, and comments, are read');
  }
  const question = token.type === 'blockquote' && readQuestion(token as Tokens.Blockquote);
  if (question) {
    if (place.inFold) refuse('a prediction cannot stand in a fold');
    return { kind: 'predict', tokens: question, line };
  }
  if (/\[step [^\]]*\]\(/.test(token.raw) && token.type === 'paragraph') {
    refuse('a step stands alone in its paragraph, as [step NAME](lab.ts)');
  }
  if (/^\s*(?:[-*>]\s+)*```/m.test(token.raw)) {
    refuse('a block of code stands by itself, not in a list or a quotation');
  }
  return { kind: 'text', tokens: [token], line };
}

type CodeBlock<B = Block> = B extends Block ? Omit<B, 'line'> : never;

function readCode({ text, lang = '' }: Tokens.Code, refuse: (problem: string) => never): CodeBlock {
  const [language = '', about, ...more] = lang.split(/\s+/);
  const alone = about === undefined;
  if (more.length === 0) {
    if (language === 'output' && about) return { kind: 'output', step: about, claim: text };
    if (language === 'ts' && about) return { kind: 'source', file: about, text };
    if (language === 'runtime' && alone) return { kind: 'runtime', text };
    if (language === 'console' && alone) return { kind: 'console', text };
    if (language === 'text' && alone) return { kind: 'drawing', text };
    if (language === 'json' && alone) return { kind: 'data', text };
  }
  return refuse(
    `\`\`\`${lang} is no kind of block; use output STEP, runtime, ts FILE, console, text or json`,
  );
}

const MARK = 'Predict.';

/** The question of a prediction, or false for any other quotation. */
function readQuestion({ tokens }: Tokens.Blockquote): Token[] | false {
  const [first, ...others] = tokens;
  if (first?.type !== 'paragraph') return false;
  const [mark, next, ...rest] = (first as Tokens.Paragraph).tokens;
  if (mark?.type !== 'strong' || (mark as Tokens.Strong).text !== MARK) return false;
  const trimmed = next?.type === 'text' ? { ...next, text: next.text.trimStart() } : next;
  return [{ ...first, tokens: trimmed ? [trimmed, ...rest] : [] } as Token, ...others];
}
