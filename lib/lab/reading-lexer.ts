/**
 * Markdown with two forms more, as extensions of marked: a paragraph that is only
 * `[step NAME](lab.ts)`, and `<details>` with Markdown inside, which CommonMark takes for three
 * pieces that have nothing to do with each other.
 */
import { Marked, type Token, type TokenizerExtension, type Tokens } from 'marked';

export interface StepToken extends Tokens.Generic {
  type: 'step';
  name: string;
}

export interface FoldToken extends Tokens.Generic {
  type: 'fold';
  summary: string;
  /** How many lines of the fold stand before its content. */
  linesBefore: number;
}

const step: TokenizerExtension = {
  name: 'step',
  level: 'block',
  tokenizer(source) {
    const found = /^\[step ([\w-]+)\]\(lab\.ts\)[ \t]*(?:\n(?=[ \t]*\n)|\n?$)/.exec(source);
    return found ? { type: 'step', raw: found[0], name: found[1] } : undefined;
  },
};

const OPENING = /^<details>\s*<summary>([\s\S]*?)<\/summary>[ \t]*\n/;

const fold: TokenizerExtension = {
  name: 'fold',
  level: 'block',
  childTokens: ['tokens'],
  tokenizer(source) {
    const opening = OPENING.exec(source);
    if (!opening) return undefined;
    const end = findEnd(source);
    if (end === undefined) return undefined;
    const head = opening[0];
    const inside = source.slice(head.length, end.from);
    return {
      type: 'fold',
      raw: source.slice(0, end.to),
      summary: (opening[1] ?? '').replace(/<[^>]+>/g, '').trim(),
      linesBefore: head.split('\n').length - 1,
      tokens: this.lexer.blockTokens(inside, []),
    };
  },
};

/** Where the `</details>` that belongs to the first `<details>` stands; fenced code is skipped. */
function findEnd(source: string): { from: number; to: number } | undefined {
  let depth = 0;
  let fenced = false;
  let offset = 0;
  for (const line of source.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    else if (!fenced && line.startsWith('<details>')) depth += 1;
    else if (!fenced && line.trimEnd() === '</details>') depth -= 1;
    const next = Math.min(offset + line.length + 1, source.length);
    if (depth === 0) return { from: offset, to: next };
    offset = next;
  }
  return undefined;
}

const marked = new Marked({ extensions: [step, fold] });

/** Block tokens; their `raw` texts, put together, are the source. */
export function lex(source: string): Token[] {
  return marked.lexer(source);
}
