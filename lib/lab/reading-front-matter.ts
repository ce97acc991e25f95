/**
 * The front matter of a reading: the YAML between two lines of `---` that says what the lab is
 * called, how long it takes, what it needs and what is learnt. GitHub shows it as a table.
 */
import { isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { ReadingError } from './reading-error.ts';

export interface FrontMatter {
  /** Two digits: '03'. */
  number: string;
  title: string;
  minutes: number;
  /** Words such as `root`, `network`. */
  needs: readonly string[];
  objectives: readonly string[];
  keypoints: readonly string[];
}

const FENCED = /^---\n([\s\S]*?\n)---\n/;

/**
 * Takes the front matter off `text`. `bodyLine` is the line of the file, from 1, at which the rest
 * begins. Throws ReadingError where a field is missing or of another kind.
 */
export function takeFrontMatter(
  text: string,
  file: string,
): { frontMatter: FrontMatter; body: string; bodyLine: number } {
  const found = FENCED.exec(text);
  if (!found) throw new ReadingError(file, 1, 'begin the file with front matter between two ---');
  const lines = new LineCounter();
  const document = parseDocument(found[1] ?? '', { lineCounter: lines });
  const lineOf = (offset: number) => lines.linePos(offset).line + 1;
  const [error] = document.errors;
  if (error) {
    const problem = error.message.split('\n')[0] ?? error.message;
    throw new ReadingError(file, lineOf(error.pos[0]), `front matter: ${problem}`, error);
  }
  const refuse = (name: string, wanted: string): never => {
    const node = isMap(document.contents) ? (document.get(name, true) as Node | undefined) : null;
    const line = node?.range ? lineOf(node.range[0]) : 1;
    throw new ReadingError(file, line, `front matter: \`${name}\` must be ${wanted}`);
  };
  return {
    frontMatter: readFields(document.toJS() ?? {}, refuse),
    body: text.slice(found[0].length),
    bodyLine: found[0].split('\n').length,
  };
}

type Refuse = (name: string, wanted: string) => never;

function readFields(fields: Record<string, unknown>, refuse: Refuse): FrontMatter {
  const { number, title, minutes } = fields;
  const texts = (name: string): string[] => {
    const value = fields[name];
    const isTexts = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return isTexts ? value : refuse(name, 'a list of texts');
  };
  return {
    // YAML reads 01 as the number 1.
    number: /^\d{1,2}$/.test(String(number))
      ? String(number).padStart(2, '0')
      : refuse('number', "the lab's number, such as 03"),
    title: typeof title === 'string' && title !== '' ? title : refuse('title', 'a text'),
    minutes:
      typeof minutes === 'number' && minutes > 0 ? minutes : refuse('minutes', 'a number above 0'),
    needs: texts('needs'),
    objectives: texts('objectives'),
    keypoints: texts('keypoints'),
  };
}
