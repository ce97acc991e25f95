/**
 * The real source of a step, as it stands in lab.ts, comments and types included. The engine only
 * has the function, whose own text Node has stripped of types: with blanks in their place, so that
 * the same characters stand at the same place in the stripped file and in the original.
 * https://nodejs.org/api/typescript.html, "Type stripping"
 */
import { stripTypeScriptTypes } from 'node:module';

/** `code` as written in `source`, without the indentation that it has there. */
export function findSource(code: (...given: never[]) => unknown, source: string): string {
  const text = code.toString();
  const at = strip(source).indexOf(text);
  // A runtime that does not strip, but compiles, has only its own text of the function.
  if (at < 0) return dedent(text);
  const lineStart = source.lastIndexOf('\n', at) + 1;
  const indentation = /^[ \t]*/.exec(source.slice(lineStart, at))?.[0] ?? '';
  return dedent(indentation + source.slice(at, at + text.length));
}

/** Takes from every line the indentation that all of them have. */
export function dedent(text: string): string {
  const lines = text.split('\n');
  const filled = lines.filter((line) => line.trim() !== '');
  const common = Math.min(...filled.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(common).trimEnd()).join('\n');
}

/** Node says once per process that stripping is experimental; a reader has no use for that. */
function strip(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
