/**
 * Does what a reading says that a step prints agree with what it printed? Line by line; an ellipsis
 * in a line stands for any text, a line that is only an ellipsis for any number of lines. Pids,
 * inode numbers and times are what ellipses are for.
 */
import { stripVTControlCharacters } from 'node:util';

export interface OutputMatch {
  ok: boolean;
  /** One line that names the first line that differs; undefined where all agree. */
  firstDifference?: string;
}

const ELLIPSIS = '…';

/** Blanks at the end of lines, empty lines at both ends, and colours do not count. */
export function matchOutput(claim: string, real: string): OutputMatch {
  const claimed = toLines(claim);
  const printed = toLines(real);
  // As in a shell pattern: on a mismatch, let the last ellipsis line take one line more.
  let at = 0;
  let seen = 0;
  let retry: { at: number; seen: number } | undefined;
  let furthest = { at: 0, seen: 0 };
  while (at < claimed.length || seen < printed.length) {
    if (at >= furthest.at) furthest = { at, seen };
    if (claimed[at] === ELLIPSIS) {
      retry = { at, seen };
      at += 1;
    } else if (agrees(claimed[at], printed[seen])) {
      at += 1;
      seen += 1;
    } else if (retry && retry.seen < printed.length) {
      retry.seen += 1;
      ({ at, seen } = { at: retry.at + 1, seen: retry.seen });
    } else {
      return { ok: false, firstDifference: describe(furthest, claimed, printed) };
    }
  }
  return { ok: true };
}

function toLines(text: string): string[] {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trimEnd());
  const first = lines.findIndex((line) => line !== '');
  const last = lines.findLastIndex((line) => line !== '');
  return first < 0 ? [] : lines.slice(first, last + 1);
}

function agrees(claimed: string | undefined, printed: string | undefined): boolean {
  if (claimed === undefined || printed === undefined) return false;
  const [head = '', ...rest] = claimed.split(ELLIPSIS);
  const tail = rest.pop();
  if (tail === undefined) return claimed === printed;
  if (!printed.startsWith(head) || printed.length < head.length + tail.length) return false;
  if (!printed.endsWith(tail)) return false;
  const middle = printed.slice(head.length, printed.length - tail.length);
  let from = 0;
  for (const piece of rest) {
    const found = middle.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return true;
}

function describe(
  { at, seen }: { at: number; seen: number },
  claimed: readonly string[],
  printed: readonly string[],
): string {
  const show = (line: string | undefined) => (line === undefined ? 'nothing more' : `"${line}"`);
  return `line ${at + 1} claims ${show(claimed[at])}, printed was ${show(printed[seen])}`;
}
