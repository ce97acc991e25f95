/**
 * Markdown as text for a terminal: marked-terminal, with our own widths, lists, tables and colours.
 */
import { Marked, type Token, type Tokens } from 'marked';
import { markedTerminal } from 'marked-terminal';
import type { Paint, Style } from './render-paint.ts';
import { layTable } from './render-table.ts';
import { wrap } from './render-wrap.ts';

/** A parser whose output is lines of at most `width` columns, code and drawings excepted. */
export function createMarked(width: number, paint: Paint): Marked {
  // How far in what is being rendered will stand: lists and quotations hold blocks themselves.
  let margin = 0;
  const further = <T>(columns: number, work: () => T): T => {
    margin += columns;
    try {
      return work();
    } finally {
      margin -= columns;
    }
  };
  const style = (name: Style) => (text: string) => paint(name, text);
  const terminal = markedTerminal(
    {
      code: (text: string) => text,
      blockquote: style('italic'),
      html: style('dim'),
      heading: style(['bold', 'green']),
      firstHeading: style(['bold', 'magenta']),
      strong: style('bold'),
      em: style('italic'),
      codespan: style('yellow'),
      del: style('strikethrough'),
      emoji: false,
      showSectionPrefix: false,
    },
    {
      theme: {
        keyword: style('magenta'),
        literal: style('cyan'),
        number: style('cyan'),
        string: style('green'),
        comment: style('dim'),
        built_in: style('cyan'),
        default: (text: string) => text,
      },
    },
  );
  // marked-terminal prints Markdown inside the items of a tight list as it stands, and wraps
  // neither items, nor quotations, nor cells of tables.
  return new Marked(terminal, {
    renderer: {
      text(token) {
        const inline = 'tokens' in token && token.tokens;
        return inline ? this.parser.parseInline(inline) : unescapeEntities(token.text);
      },
      paragraph({ tokens }) {
        return `${wrap(unescapeEntities(this.parser.parseInline(tokens)), width - margin)}\n\n`;
      },
      blockquote({ tokens }) {
        const inside = further(2, () => this.parser.parse(tokens).trim());
        const text = inside.replace(ALERT, nameAlert);
        return `${text.replace(/^/gm, `${paint('dim', '│')} `)}\n\n`;
      },
      list({ items, ordered, start }) {
        const lines = items.map(({ tokens }, index) => {
          const mark = ordered ? `  ${Number(start || 1) + index}. ` : '  · ';
          const room = width - margin;
          return further(mark.length, () => {
            const render = (token: Token) => trimLines(this.parser.parse([token]));
            return hang(mark, tokens.map(render), { tokens, width: room });
          });
        });
        return `${lines.join(items.some(({ loose }) => loose) ? '\n\n' : '\n')}\n\n`;
      },
      table({ header, rows }) {
        const cells = (row: Tokens.TableCell[]) =>
          row.map(({ tokens }) => unescapeEntities(this.parser.parseInline(tokens)));
        const rule = style('dim');
        return `${layTable(cells(header), rows.map(cells), { width: width - margin, rule })}\n\n`;
      },
      codespan: ({ text }) => paint('yellow', text),
      hr: () => `${paint('dim', '─'.repeat(width))}\n\n`,
      image: ({ text }) => paint('dim', `[picture: ${text}]`),
      link({ href, tokens }) {
        const text = paint('underline', this.parser.parseInline(tokens));
        // A manual page says by its name where it is, a file of the repository by its text.
        const known = /^[\w.-]+\(\d\w*\)$/.test(tokens.map(({ raw }) => raw).join(''));
        return /^https?:/.test(href) && !known ? `${text} (${href})` : text;
      },
    },
  });
}

/** The first line of what GitHub shows as a coloured box: `[!NOTE]`. */
const ALERT = /^\[!([A-Z])([A-Z]+)\]\s/;
const nameAlert = (_: string, first: string, rest: string) => `${first}${rest.toLowerCase()}: `;

/** A list item: text is wrapped behind the mark, what comes below it stands under the text. */
function hang(
  mark: string,
  rendered: readonly string[],
  { tokens, width }: { tokens: readonly Token[]; width: number },
): string {
  const blank = ' '.repeat(mark.length);
  const parts = rendered.map((text, index) => {
    if (index === 0) return wrap(text, width, mark, blank);
    if (tokens[index]?.type === 'space') return '';
    return (tokens[index]?.type === 'list' ? '\n' : '\n\n') + indent(text, blank);
  });
  return parts.join('');
}

const trimLines = (text: string) => text.replace(/^\n+|\s+$/g, '');

const indent = (text: string, margin: string) => text.replace(/^(?=.)/gm, margin);

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

const unescapeEntities = (text: string) =>
  text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);
