/**
 * Readings in a terminal: Markdown by marked-terminal, with our own widths and colours. One
 * renderer is made for a width and a choice of colour; it turns blocks into text and keeps nothing.
 */
import type { Token, Tokens } from 'marked';
import type { Block, FrontMatter } from './reading.ts';
import { createMarked } from './render-markdown.ts';
import { type Paint, painter } from './render-paint.ts';
import { dedent } from './render-source.ts';
import { wrap } from './render-wrap.ts';

export interface Renderer {
  /** Columns that lines are filled to. */
  width: number;
  paint: Paint;
  /** Paragraphs, lists, headings …; ends without a newline. */
  tokens(tokens: readonly Token[]): string;
  /** A block as it is read; undefined for a step, and for what a run shows by itself. */
  block(block: Block): string | undefined;
  /** The content of a fold. */
  open(fold: Extract<Block, { kind: 'fold' }>): string;
  /** TypeScript, highlighted. */
  source(text: string): string;
  head(frontMatter: FrontMatter): string;
}

const MARGIN = '    ';

export function createRenderer({ width, color }: { width: number; color: boolean }): Renderer {
  const paint = painter(color);
  const marked = createMarked(width, paint);
  const tokens: Renderer['tokens'] = (given) => marked.parser([...given]).trimEnd();
  const code = (language: string, text: string) =>
    tokens([{ type: 'code', raw: text, lang: language, text } as Tokens.Code]);
  const inline = (text: string) => tokens(marked.lexer(text));
  const plain = (text: string) => text.replace(/^(?=.)/gm, MARGIN);

  const block = (given: Block): string | undefined => {
    switch (given.kind) {
      case 'text':
        return tokens(given.tokens);
      case 'predict': {
        const mark = paint(['bold', 'cyan'], 'Predict.');
        return wrap(`${mark} ${tokens(given.tokens)}`, width);
      }
      case 'fold':
        return wrap(inline(given.summary), width, `${paint('cyan', '▸')} `, '  ');
      case 'runtime':
        return code('typescript', dedent(given.text));
      case 'source':
        return `${MARGIN}${paint('dim', given.file)}\n${code('typescript', dedent(given.text))}`;
      case 'console':
      case 'drawing':
      case 'data':
        return plain(given.text);
      case 'step':
      case 'output':
        return undefined;
    }
  };

  return {
    width,
    paint,
    tokens,
    block,
    open: ({ summary, blocks }) => {
      const body = blocks.map((each) =>
        each.kind === 'output' ? plain(each.claim) : (block(each) ?? ''),
      );
      const head = wrap(inline(summary), width, `${paint('cyan', '▾')} `, '  ');
      return [head, ...body].join('\n\n');
    },
    source: (text) => code('typescript', text),
    head: ({ number, title, minutes, needs, objectives }) => {
      const about = [`${minutes} minutes`, ...(needs.length ? [`needs ${needs.join(', ')}`] : [])];
      const items = objectives.map((text) => wrap(inline(text), width, '  · ', '    '));
      const name = paint('bold', `Lab ${number} · ${inline(title)}`);
      return [`${name}  ${paint('dim', about.join(' · '))}`, ...items].join('\n');
    },
  };
}
