/**
 * A Dockerfile as a list of instructions. A parser says where each one begins and ends, which flags
 * it has and where its here-documents are; what Docker makes of the text between is done here, for
 * an editor's parser need not know it: comment lines between continued ones go, the exec form is
 * JSON or it is shell text.
 *
 *     RUN --network=none  echo a \        keyword RUN, flag network, line 1
 *       # not part of it                  text "echo a   && echo b"
 *       && echo b
 *
 * Dockerfile reference, "Format", "Parser directives", "Here-Documents", "Shell and exec form"
 */
import { DockerfileParser, type Instruction as Parsed } from 'dockerfile-ast';
import { BuildError } from './build-error.ts';

export const KEYWORDS = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const;

export type Keyword = (typeof KEYWORDS)[number];

export interface Heredoc {
  name: string;
  /** Whether variables in it are replaced: its delimiter was not quoted. */
  expands: boolean;
  /** Without the tabs that `<<-` takes away. */
  text: string;
}

export interface Flag {
  name: string;
  /** Null for one without `=`. */
  value: string | null;
}

export interface Instruction {
  keyword: Keyword;
  /** Where it begins, from 1. */
  line: number;
  flags: readonly Flag[];
  /** What stands behind the keyword and its flags, as one line. */
  text: string;
  /** The exec form, where `text` is a JSON array of strings. */
  exec: readonly string[] | null;
  heredocs: readonly Heredoc[];
  /** The lines of the here-documents as they stand, for a shell to read. */
  heredocLines: string;
}

export interface Dockerfile {
  /** As messages call it. */
  file: string;
  /** Backslash, unless a directive says otherwise. */
  escapeChar: string;
  instructions: readonly Instruction[];
}

const WITH_HEREDOC: readonly Keyword[] = ['ADD', 'COPY', 'RUN'];

/** Throws BuildError with the line: an unknown instruction, one without arguments, no FROM. */
export function parseDockerfile(text: string, file = 'Dockerfile'): Dockerfile {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const parsed = DockerfileParser.parse(lines.join('\n'));
  const escapeChar = parsed.getEscapeCharacter();
  const instructions = parsed
    .getInstructions()
    .map((instruction) => read(instruction, lines, escapeChar, file));
  const first = instructions.find(({ keyword }) => keyword !== 'ARG');
  if (!first) throw new BuildError(file, 'there is no FROM in it: an image begins with one');
  if (first.keyword !== 'FROM') {
    const what = `${first.keyword} before the first FROM; only ARG may stand there`;
    throw new BuildError(file, what, { line: first.line });
  }
  return { file, escapeChar, instructions };
}

/** One instruction that stands alone, as a trigger that an image carries (ONBUILD). */
export function parseInstruction(text: string, file: string): Instruction {
  const [instruction, more] = parseDockerfile(`FROM scratch\n${text}`, file).instructions.slice(1);
  if (!instruction || more) throw new BuildError(file, `${JSON.stringify(text)} is no instruction`);
  return instruction;
}

function read(parsed: Parsed, lines: string[], escapeChar: string, file: string): Instruction {
  const { start, end } = parsed.getRange();
  const line = start.line + 1;
  const keyword = KEYWORDS.find((known) => known === parsed.getKeyword());
  if (!keyword) {
    const what = `${parsed.getInstruction()} is no instruction; known are ${KEYWORDS.join(', ')}`;
    throw new BuildError(file, what, { line });
  }
  const own = WITH_HEREDOC.includes(keyword)
    ? readHeredocs(lines.slice(start.line, end.line + 1), escapeChar)
    : { head: lines.slice(start.line, end.line + 1), heredocs: [], heredocLines: '' };
  const logical = joinLines(own.head, escapeChar).trim();
  const { flags, text } = takeFlags(logical.slice(parsed.getInstruction().length).trim());
  if (text === '') throw new BuildError(file, `${keyword} needs arguments`, { line });
  const { heredocs, heredocLines } = own;
  return { keyword, line, flags, text, exec: readExec(text), heredocs, heredocLines };
}

/** Continued lines as one; comments and empty lines between them are not part of it. */
function joinLines(lines: readonly string[], escapeChar: string): string {
  const continued = new RegExp(`${escapeChar === '`' ? '`' : '\\\\'}[ \\t]*$`);
  const kept = lines.filter((line, index) => index === 0 || !/^\s*(#|$)/.test(line));
  return kept.map((line) => line.replace(continued, '')).join('');
}

function takeFlags(text: string): { flags: Flag[]; text: string } {
  const flags: Flag[] = [];
  let rest = text;
  for (;;) {
    const flag = /^--([a-z][\w-]*)(?:=("[^"]*"|\S*))?(?:\s+|$)/.exec(rest);
    if (!flag) return { flags, text: rest };
    const [whole, name = '', value] = flag;
    flags.push({ name, value: value?.replace(/^"(.*)"$/, '$1') ?? null });
    rest = rest.slice(whole.length);
  }
}

function readExec(text: string): string[] | null {
  if (!text.startsWith('[')) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  } catch {
    // Not JSON: `[ -e x ] && …` is shell text.
  }
  return null;
}

const HEREDOC = /(?<![<\w])<<(-?)(["']?)([A-Za-z_]\w*)\2(?=\s|$|[|&;>)])/g;

/** Splits the instruction's own lines from the here-documents that they announce. */
function readHeredocs(lines: readonly string[], escapeChar: string) {
  const heads = headLines(lines, escapeChar);
  const head = lines.slice(0, heads);
  const heredocs: Heredoc[] = [];
  let at = heads;
  for (const [, dash, quote, name = ''] of joinLines(head, escapeChar).matchAll(HEREDOC)) {
    const strip = (line: string) => (dash ? line.replace(/^\t+/, '') : line);
    const end = lines.findIndex((line, index) => index >= at && strip(line) === name);
    // The parser did not see one here, so that these are no lines of this instruction.
    if (end < 0) continue;
    const text = lines.slice(at, end).map((line) => `${strip(line)}\n`);
    heredocs.push({ name, expands: quote === '', text: text.join('') });
    at = end + 1;
  }
  return { head, heredocs, heredocLines: lines.slice(heads, at).join('\n') };
}

/** How many lines the instruction has before its here-documents. */
function headLines(lines: readonly string[], escapeChar: string): number {
  const ends = (line: string, index: number) =>
    !line.trimEnd().endsWith(escapeChar) && (index === 0 || !/^\s*(#|$)/.test(line));
  const last = lines.findIndex(ends);
  return last < 0 ? lines.length : last + 1;
}
