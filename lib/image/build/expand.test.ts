// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as a Dockerfile has them
import { describe, expect, it } from 'vitest';
import { expandWord, splitWords, WordError } from './expand.ts';

const variables = new Map([
  ['a', 'one'],
  ['empty', ''],
  ['b', 'two words'],
]);

describe('expandWord', () => {
  it.each([
    ['$a', 'one'],
    ['x${a}y', 'xoney'],
    ['$ab|', '|'],
    ['"$b"', 'two words'],
    ["'$a'", '$a'],
    ['\\$a', '$a'],
    ['"\\$a \\"\\x"', '$a "\\x'],
    ['${none:-$a/x}', 'one/x'],
    ['${empty:-d}${empty-d}', 'd'],
    ['${a:+set}${empty:+set}${empty+there}', 'setthere'],
    ['${none:-${a}}', 'one'],
    ['$', '$'],
    ['100$ %', '100$ %'],
  ])('%s', (word, expected) => {
    expect(expandWord(word, variables)).toBe(expected);
  });

  it.each([
    ['${a', 'there is none of'],
    ['${}', 'a name has to follow'],
    ["'a", 'single quote is not closed'],
    ['"a', 'double quote is not closed'],
    ['${none:?give it}', 'none: give it'],
    ['${empty:?}', 'empty: is not set'],
    ['${a!x}', 'there is none of'],
  ])('%s is refused', (word, message) => {
    expect(() => expandWord(word, variables)).toThrow(message);
    expect(() => expandWord(word, variables)).toThrow(WordError);
  });

  it('another escape character leaves the backslash alone', () => {
    expect(expandWord('c:\\$a`$a', variables, '`')).toBe('c:\\one$a');
  });
});

it('splitWords keeps quotes and escapes, and what is in them, together', () => {
  expect(splitWords(' a "b c"d  e\\ f \'g "h\' ')).toEqual(['a', '"b c"d', 'e\\ f', "'g \"h'"]);
});
