/**
 * Words and variables as a Dockerfile has them, which is a small part of what a shell does: quotes,
 * the escape character, `$NAME`, `${NAME}` and the four operators `:-`, `:+`, `-`, `+`, `:?`, `?`.
 * No commands are run, nothing is split after it was replaced, except where said.
 *
 * Dockerfile reference, "Environment replacement"
 */

export type Variables = ReadonlyMap<string, string>;

/** What is wrong with a word; the caller knows the line. */
export class WordError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WordError';
  }
}

/** Replaces variables, and takes quotes and escapes away. Throws WordError. */
export function expandWord(word: string, variables: Variables, escapeChar = '\\'): string {
  const reader: Reader = { text: word, at: 0, variables, escapeChar };
  const expanded = readUntil(reader, '');
  return expanded;
}

/** Blanks outside of quotes separate words, which keep their quotes and escapes. */
export function splitWords(text: string, escapeChar = '\\'): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === escapeChar && quote !== "'") {
      word += text.slice(at, at + 2);
      at++;
    } else if (quote !== '') {
      word += char;
      if (char === quote) quote = '';
    } else if (/\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      word += char;
      if (char === '"' || char === "'") quote = char;
    }
  }
  if (word !== '') words.push(word);
  return words;
}

interface Reader {
  text: string;
  at: number;
  variables: Variables;
  escapeChar: string;
}

/** Up to `end`, which is left unread and may be empty for the end of the text. */
function readUntil(reader: Reader, end: string): string {
  const { text, escapeChar } = reader;
  let read = '';
  while (reader.at < text.length) {
    const char = text.charAt(reader.at);
    if (char === end) return read;
    reader.at++;
    if (char === "'") read += readSingle(reader);
    else if (char === '"') read += readDouble(reader);
    else if (char === '$') read += readVariable(reader);
    else if (char === escapeChar) read += text.charAt(reader.at++);
    else read += char;
  }
  if (end !== '') throw new WordError(`${text}: there is no ${end} at its end`);
  return read;
}

function readSingle(reader: Reader): string {
  const end = reader.text.indexOf("'", reader.at);
  if (end < 0) throw new WordError(`${reader.text}: a single quote is not closed`);
  const read = reader.text.slice(reader.at, end);
  reader.at = end + 1;
  return read;
}

/** In double quotes the escape character is itself, but before the three that mean something. */
function readDouble(reader: Reader): string {
  const { text, escapeChar } = reader;
  let read = '';
  while (reader.at < text.length) {
    const char = text.charAt(reader.at++);
    if (char === '"') return read;
    const next = text.charAt(reader.at);
    if (char === '$') read += readVariable(reader);
    else if (char === escapeChar && ['"', '$', escapeChar].includes(next))
      read += text.charAt(reader.at++);
    else read += char;
  }
  throw new WordError(`${text}: a double quote is not closed`);
}

/** Behind the dollar sign. One that begins no name is itself. */
function readVariable(reader: Reader): string {
  const { text, variables } = reader;
  const braced = text.charAt(reader.at) === '{';
  if (braced) reader.at++;
  const [name] = /^(?:[A-Za-z_]\w*|\d)/.exec(text.slice(reader.at)) ?? [''];
  if (name === '' && !braced) return '$';
  if (name === '') throw new WordError(`${text}: a name has to follow \${`);
  reader.at += name.length;
  const value = variables.get(name);
  if (!braced) return value ?? '';
  if (text.charAt(reader.at) === '}') {
    reader.at++;
    return value ?? '';
  }
  const [operator] = /^:?[-+?]/.exec(text.slice(reader.at)) ?? [''];
  if (operator === '') {
    throw new WordError(`${text}: behind \${${name} there is none of } :- :+ :? - + ?`);
  }
  reader.at += operator.length;
  const word = readUntil(reader, '}');
  reader.at++;
  const isSet = operator.startsWith(':')
    ? value !== undefined && value !== ''
    : value !== undefined;
  if (operator.endsWith('+')) return isSet ? word : '';
  if (isSet) return value ?? '';
  if (operator.endsWith('-')) return word;
  throw new WordError(`${name}: ${word === '' ? 'is not set' : word}`);
}
