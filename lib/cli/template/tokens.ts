/**
 * A template cut into tokens: text that stands as it is, and between `{{` and `}}` words, numbers,
 * strings and signs. A space is a token too: `.a.b` is one value, `.a .b` are two.
 *
 *     Hello, {{- .Name | upper }}      text, then trimmed: field "Name", pipe, word "upper"
 *
 * Go, package text/template, "Text and spaces", "Actions"
 */
import { TemplateError } from './template-error.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'word'
  /** `.Name`; its value is the name. A dot alone has none. */
  | 'field'
  /** `$name`, or `$` alone; its value is without the `$`. */
  | 'variable'
  | 'string'
  | 'number'
  /** `|`, `(`, `)`, `,`, `=`, `:=` */
  | 'sign'
  | 'end';

export interface Token {
  kind: TokenKind;
  value: string;
  /** Offset in the template, in characters. */
  at: number;
}

const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)/y;
const STRING = /"(?:[^"\\\n]|\\[^\n])*"/y;
const RAW = /`[^`]*`/y;
const CHARACTER = /'(?:[^'\\\n]|\\[^\n]+?)'/y;
const COMMENT = /\{\{(- )?\/\*.*?\*\/( -)?\}\}/sy;
const SIGN = /:=|[|(),=]/y;
const SPACE = /[ \t\r\n]+/y;

/** Throws TemplateError for what is no token, and for an action that is not closed. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    const end = open < 0 ? text.length : open;
    const trimThis = open >= 0 && /^\{\{-[ \t\r\n]/.test(text.slice(open, open + 4));
    let plain = text.slice(at, end);
    if (trimNext) plain = plain.replace(/^[ \t\r\n]+/, '');
    if (trimThis) plain = plain.replace(/[ \t\r\n]+$/, '');
    trimNext = false;
    if (plain !== '') tokens.push({ kind: 'text', value: plain, at });
    if (open < 0) break;
    COMMENT.lastIndex = open;
    const comment = COMMENT.exec(text);
    if (comment) {
      at = COMMENT.lastIndex;
      trimNext = comment[2] !== undefined;
      continue;
    }
    tokens.push({ kind: 'open', value: '{{', at: open });
    at = readAction(text, open, open + (trimThis ? 3 : 2), tokens);
    trimNext = text.charAt(at - 3) === '-' && /[ \t\r\n]/.test(text.charAt(at - 4));
  }
  tokens.push({ kind: 'end', value: '', at: text.length });
  return tokens;
}

/** Up to and with its `}}`; returns where that ends. */
function readAction(text: string, open: number, start: number, tokens: Token[]): number {
  let at = start;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found ?? null;
  };
  while (at < text.length) {
    const from = at;
    const push = (kind: TokenKind, value: string) => void tokens.push({ kind, value, at: from });
    if (text.startsWith('}}', at)) {
      push('close', '}}');
      return at + 2;
    }
    const space = take(SPACE);
    if (space !== null) {
      if (text.startsWith('-}}', at)) at += 1;
      else push('space', ' ');
      continue;
    }
    const character = text.charAt(at);
    if (character === '.' && !/[0-9]/.test(text.charAt(at + 1))) {
      at += 1;
      push('field', take(NAME) ?? '');
    } else if (character === '$') {
      at += 1;
      push('variable', take(NAME) ?? '');
    } else readValue(text, take, push, from);
  }
  throw new TemplateError(text, open, 'this action is not closed: }} is missing');
}

function readValue(
  text: string,
  take: (pattern: RegExp) => string | null,
  push: (kind: TokenKind, value: string) => void,
  at: number,
): void {
  const character = text.charAt(at);
  if (character === '"') {
    const quoted = take(STRING);
    if (quoted === null) throw new TemplateError(text, at, 'this string has no closing "');
    push('string', unquote(text, at, quoted));
    return;
  }
  if (character === '`') {
    const raw = take(RAW);
    if (raw === null) throw new TemplateError(text, at, 'this string has no closing `');
    push('string', raw.slice(1, -1));
    return;
  }
  if (character === "'") {
    const quoted = take(CHARACTER);
    if (quoted === null) throw new TemplateError(text, at, "this character has no closing '");
    const [only = ''] = unquote(text, at, `"${quoted.slice(1, -1)}"`);
    push('number', String(only.codePointAt(0)));
    return;
  }
  for (const [kind, pattern] of [
    ['number', NUMBER],
    ['word', NAME],
    ['sign', SIGN],
  ] as const) {
    const found = take(pattern);
    if (found === null) continue;
    push(kind, found);
    return;
  }
  throw new TemplateError(text, at, `${JSON.stringify(character)} has no place here`);
}

const ESCAPES: Record<string, string> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', '"': '"', "'": "'" },
};

/** Go's escapes. The Go programming language specification, "Rune literals" */
function unquote(text: string, at: number, quoted: string): string {
  const sequence = /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs;
  return quoted.slice(1, -1).replace(sequence, (whole, code: string) => {
    const known = ESCAPES[code];
    if (known !== undefined) return known;
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
    throw new TemplateError(text, at, `${whole} in a string stands for nothing`);
  });
}
