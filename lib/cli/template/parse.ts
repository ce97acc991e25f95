/**
 * From tokens to a tree. Known are printing, if, else, with, range, break, continue, end, variables
 * and comments; templates within templates (define, template, block) are not.
 *
 * Go, package text/template, "Actions", "Arguments", "Pipelines", "Variables"
 */
import { FUNCTION_NAMES } from './functions.ts';
import type { Command, Node, Operand, Pipeline } from './syntax.ts';
import { TemplateError } from './template-error.ts';
import { type Token, type TokenKind, tokenize } from './tokens.ts';

const BLOCKS = ['if', 'with', 'range'] as const;
type Block = (typeof BLOCKS)[number];
const isBlock = (word: string): word is Block => (BLOCKS as readonly string[]).includes(word);

/** Deeper than this nobody nests in earnest, and our stack is not endless. */
const DEEPEST = 200;

/** Throws TemplateError. */
export function parseTemplate(text: string): Node[] {
  const tokens = tokenize(text);
  let next = 0;
  let variables: string[] = [''];
  let ranges = 0;
  let depth = 0;

  const peek = (): Token => tokens[next] as Token;
  const fail = (at: number, what: string): never => {
    throw new TemplateError(text, at, what);
  };
  const is = (kind: TokenKind, value?: string) =>
    peek().kind === kind && (value === undefined || peek().value === value);
  function take(kind: TokenKind, value?: string): Token | null {
    if (!is(kind, value)) return null;
    next += 1;
    return tokens[next - 1] as Token;
  }
  const skipSpace = () => void take('space');
  const named = ({ kind, value }: Token) =>
    kind === 'close' || kind === 'end' ? 'the end of it' : JSON.stringify(sourceOf(kind, value));
  function deeper<T>(at: number, body: () => T): T {
    if (depth >= DEEPEST) fail(at, 'nested too deep');
    depth += 1;
    const result = body();
    depth -= 1;
    return result;
  }

  /** Up to an `end` or `else`, of which the word is left to the caller, or to the end of all. */
  function nodes(within: boolean): Node[] {
    const found: Node[] = [];
    for (;;) {
      const plain = take('text');
      if (plain) {
        found.push({ kind: 'text', text: plain.value, at: plain.at });
        continue;
      }
      const open = take('open');
      if (!open) {
        if (within) fail(peek().at, 'unexpected end: {{end}} is missing');
        return found;
      }
      skipSpace();
      if (is('word', 'end') || is('word', 'else')) {
        if (within) return found;
        fail(open.at, `unexpected {{${peek().value}}}`);
      }
      found.push(action(open));
    }
  }

  function action(open: Token): Node {
    const word = is('word') ? peek().value : '';
    if (isBlock(word)) {
      next += 1;
      return deeper(open.at, () => block(word, open.at));
    }
    if (word === 'break' || word === 'continue') {
      next += 1;
      if (ranges === 0) fail(open.at, `{{${word}}} outside of a range`);
      close();
      return { kind: word, at: open.at };
    }
    if (['define', 'template', 'block'].includes(word)) {
      fail(open.at, `{{${word}}}: templates within templates are not known here`);
    }
    const read = pipeline('this action', false);
    close();
    return { kind: 'print', pipeline: read, at: open.at };
  }

  function block(kind: Block, at: number): Node {
    const outer = [...variables];
    skipSpace();
    const head = pipeline(kind, kind === 'range');
    close();
    if (kind === 'range') ranges += 1;
    const then = nodes(true);
    if (kind === 'range') ranges -= 1;
    const otherwise = take('word', 'else') ? rest(kind) : [];
    if (otherwise.length === 0) take('word', 'end');
    close();
    variables = outer;
    return { kind, pipeline: head, then, otherwise, at };
  }

  /** What follows `else`; the closing `end` is taken, its `}}` is not. */
  function rest(kind: Block): Node[] {
    skipSpace();
    const { at } = peek();
    if (kind !== 'range' && take('word', kind)) {
      // `{{else if}}` is an if within the else, and shares its end.
      const nested = deeper(at, () => block(kind, at));
      next -= 1;
      return [nested];
    }
    close();
    const otherwise = nodes(true);
    if (!take('word', 'end')) fail(peek().at, 'a second {{else}}');
    // Told apart from an else that is not there.
    return otherwise.length > 0 ? otherwise : [{ kind: 'text', text: '', at }];
  }

  function close(): void {
    skipSpace();
    if (!take('close')) fail(peek().at, `unexpected ${named(peek())}`);
  }

  function pipeline(what: string, inRange: boolean): Pipeline {
    skipSpace();
    const { at } = peek();
    const { names, declares } = declaration(inRange);
    const commands: Command[] = [];
    do {
      skipSpace();
      commands.push(command(what));
      skipSpace();
    } while (take('sign', '|'));
    for (const [index, { operands, at }] of commands.entries()) {
      const given = operands.length > 1 || index > 0;
      if (given && operands[0]?.kind !== 'function') {
        fail(at, 'arguments are given to what is no function');
      }
    }
    // Known from here on, not yet in their own value.
    if (declares) variables.push(...names);
    return { variables: names, declares, commands, at };
  }

  function declaration(inRange: boolean): { names: string[]; declares: boolean } {
    const start = next;
    const names: string[] = [];
    for (let variable = take('variable'); variable; variable = take('variable')) {
      names.push(variable.value);
      skipSpace();
      const sign = take('sign', ':=') ?? take('sign', '=');
      if (sign) {
        const declares = sign.value === ':=';
        for (const name of names) {
          if (!declares && !variables.includes(name)) {
            fail(variable.at, `there is no variable $${name}`);
          }
        }
        return { names, declares };
      }
      if (!inRange || names.length > 1 || !take('sign', ',')) break;
      skipSpace();
    }
    next = start;
    return { names: [], declares: false };
  }

  function command(what: string): Command {
    const { at } = peek();
    const operands: Operand[] = [];
    for (;;) {
      const found = operand();
      if (!found) break;
      operands.push(found);
      if (!take('space')) break;
    }
    if (operands.length === 0) {
      const missing = is('close') || is('sign', '|') || is('sign', ')') || is('end');
      fail(at, missing ? `${what}: a value is missing` : `unexpected ${named(peek())}`);
    }
    return { operands, at };
  }

  function operand(): Operand | null {
    const { kind, value, at } = peek();
    const fields: string[] = [];
    let of: Operand | null = null;
    if (kind === 'field') {
      next += 1;
      if (value === '') of = { kind: 'dot', at };
      else fields.push(value);
    } else if (kind === 'variable') {
      next += 1;
      if (!variables.includes(value)) fail(at, `there is no variable $${value}`);
      of = { kind: 'variable', name: value, at };
    } else if (take('sign', '(')) {
      of = deeper(at, () => ({ kind: 'group', pipeline: pipeline('these brackets', false), at }));
      skipSpace();
      if (!take('sign', ')')) fail(at, 'this bracket is not closed');
    } else if (kind === 'word' || kind === 'string' || kind === 'number') {
      next += 1;
      of = atom(kind, value, at);
    } else return null;
    for (let more = take('field'); more; more = take('field')) {
      if (more.value === '' || of?.kind === 'literal' || of?.kind === 'dot') {
        fail(more.at, 'unexpected "."');
      }
      fields.push(more.value);
    }
    if (fields.length > 0) return { kind: 'chain', of, fields, at };
    return of;
  }

  function atom(kind: 'word' | 'string' | 'number', value: string, at: number): Operand {
    if (kind === 'string') return { kind: 'literal', value, at };
    if (kind === 'number') {
      const number = Number(value.replaceAll('_', ''));
      return Number.isNaN(number) ? fail(at, `${value} is no number`) : literal(number, at);
    }
    if (value === 'true' || value === 'false') return literal(value === 'true', at);
    if (value === 'nil') return { kind: 'nil', at };
    if (!FUNCTION_NAMES.has(value)) fail(at, `there is no function ${value}`);
    return { kind: 'function', name: value, at };
  }

  return nodes(false);
}

const literal = (value: number | boolean, at: number): Operand => ({ kind: 'literal', value, at });

const sourceOf = (kind: TokenKind, value: string) =>
  kind === 'field' ? `.${value}` : kind === 'variable' ? `$${value}` : value;
