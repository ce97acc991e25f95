/**
 * The language of a reading: as long as ten to fifteen minutes of reading and running, and free of
 * words that tell a reader that something ought to be easy. Code is no prose.
 */
import type { Token, Tokens } from 'marked';
import { allBlocks, type Block, type Reading } from '../reading.ts';
import type { Complaint } from './complaint.ts';

export const FEWEST_WORDS = 900;
export const MOST_WORDS = 2200;

const UNWANTED = [
  { pattern: /\b(?:simply|just)\b/i, problem: 'nothing is "simply" or "just"' },
  // GitHub's mark for a note, `[!NOTE]`, is no exclamation.
  { pattern: /(?<!\[)!/, problem: 'no exclamation marks' },
];

export function lintProse(reading: Reading): Complaint[] {
  const { file } = reading;
  const complaints: Complaint[] = [];
  for (const block of allBlocks(reading.blocks)) {
    const prose = proseOf(block);
    for (const { pattern, problem } of UNWANTED) {
      const found = pattern.exec(prose);
      if (found)
        complaints.push({
          file,
          line: block.line,
          problem: `${problem}: ${quote(prose, found.index)}`,
        });
    }
  }
  const words = countWords(reading);
  if (words < FEWEST_WORDS || words > MOST_WORDS) {
    const wanted = `${FEWEST_WORDS} to ${MOST_WORDS}`;
    complaints.push({ file, problem: `${words} words outside folds; ${wanted} are read in time` });
  }
  return complaints;
}

/** Words that every reader reads: folds, code and drawings do not count. */
export function countWords({ blocks }: Pick<Reading, 'blocks'>): number {
  const open = blocks.filter(({ kind }) => kind !== 'fold').map(proseOf);
  return open
    .join(' ')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

function proseOf(block: Block): string {
  if (block.kind === 'text' || block.kind === 'predict') return plainText(block.tokens);
  return block.kind === 'fold' ? block.summary : '';
}

/** The text of tokens without code, markup and addresses. */
export function plainText(tokens: readonly Token[]): string {
  return tokens.map(plainToken).join(' ');
}

function plainToken(token: Token): string {
  if (['code', 'codespan', 'html', 'space', 'hr'].includes(token.type)) return '';
  if (token.type === 'list')
    return (token as Tokens.List).items.map((item) => plainText(item.tokens)).join(' ');
  if (token.type === 'table') {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows]
      .flat()
      .map((cell) => plainText(cell.tokens))
      .join(' ');
  }
  if ('tokens' in token && token.tokens) return token.tokens.map(plainToken).join('');
  return 'text' in token ? token.text : '';
}

const quote = (text: string, at: number) =>
  `"…${text
    .slice(Math.max(0, at - 25), at + 15)
    .replaceAll('\n', ' ')
    .trim()}…"`;
