import { describe, expect, it } from 'vitest';
import { matchOutput } from './reading.ts';

describe('a claim agrees', () => {
  it.each([
    ['with the same lines', 'a\nb', 'a\nb'],
    ['where only blanks at the end and empty lines around differ', 'a \n', '\na\n\n'],
    ['where the run is coloured', 'ok', '\x1b[32mok\x1b[39m'],
    ['where an ellipsis stands for part of a line', 'pid … is … here', 'pid 42 is now here'],
    ['where an ellipsis stands for nothing', 'a…b', 'ab'],
    ['where a line of an ellipsis stands for many', '…\nend', 'a\nb\nend'],
    ['where it stands for none', 'a\n…\nb', 'a\nb'],
    ['where it has to give back what it took first', '…\nb\nc', 'b\nx\nb\nc'],
    ['where it stands at the end', 'a\n…', 'a\nb\nc'],
    ['where both are empty', '', '\n'],
  ])('%s', (_, claim, real) => {
    expect(matchOutput(claim, real)).toEqual({ ok: true });
  });
});

describe('a claim does not agree, and the first difference is named', () => {
  it.each([
    ['another line', 'a\nb', 'a\nc', 'line 2 claims "b", printed was "c"'],
    ['a line too few', 'a', 'a\nb', 'line 2 claims nothing more, printed was "b"'],
    ['a line too many', 'a\nb', 'a', 'line 2 claims "b", printed was nothing more'],
    ['text around an ellipsis', 'pid … here', 'pid 42', 'line 1 claims "pid … here"'],
    ['overlapping ends of a line', 'ab…ba', 'aba', 'line 1 claims "ab…ba"'],
    ['a piece between two ellipses', 'a…b…c', 'a c', 'line 1 claims "a…b…c"'],
    ['nothing after an ellipsis', '…\nend', 'a\nb', 'line 2 claims "end"'],
    ['a leading blank', 'a', ' a', 'line 1 claims "a", printed was " a"'],
  ])('%s', (_, claim, real, difference) => {
    const match = matchOutput(claim, real);
    expect(match.ok).toBe(false);
    expect(match.firstDifference).toContain(difference);
  });
});
