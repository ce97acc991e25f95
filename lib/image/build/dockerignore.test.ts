import { expect, it } from 'vitest';
import { parseDockerignore } from './dockerignore.ts';
import { globToRegExp } from './glob.ts';

const ignored = (patterns: string, paths: string[]) => {
  const { ignores } = parseDockerignore(patterns);
  return paths.filter(ignores);
};

it('patterns are seen from the root, and take along what is below', () => {
  const paths = ['a', 'a/b', 'x/a', 'ab', 'b.md', 'x/b.md'];
  expect(ignored('/a/\n*.md', paths)).toEqual(['a', 'a/b', 'b.md']);
  expect(ignored('**/*.md', paths)).toEqual(['b.md', 'x/b.md']);
  expect(ignored('*/a', paths)).toEqual(['x/a']);
});

it('the last pattern that matches decides', () => {
  expect(ignored('*.md\n!README.md', ['a.md', 'README.md'])).toEqual(['a.md']);
  expect(ignored('!README.md\n*.md', ['a.md', 'README.md'])).toEqual(['a.md', 'README.md']);
  expect(ignored('docs\n!docs/keep\ndocs/keep/not', ['docs/a', 'docs/keep/b'])).toEqual(['docs/a']);
});

it('comments, empty lines and dots are nothing; two dots do not lead out', () => {
  expect(ignored('# a\n\n.\n../b\n', ['a', '# a', 'b'])).toEqual(['b']);
});

it('a directory that is left out is entered only where something in it may be taken in', () => {
  const { mayTakeIn } = parseDockerignore('*\n!src/*/keep\n!**/deep');
  expect(mayTakeIn('src/a')).toBe(true);
  expect(parseDockerignore('*\n!src/*.ts').mayTakeIn('docs')).toBe(false);
});

it('a pattern that is none is an error with its line', () => {
  expect(() => parseDockerignore('a\n[b')).toThrow('.dockerignore:2: [b: a [ is not closed');
  expect(() => parseDockerignore('!')).toThrow('.dockerignore:1');
});

it.each([
  ['a*c', 'abc', true],
  ['a*c', 'a/c', false],
  ['a?c', 'abc', true],
  ['a**c', 'a/b/c', true],
  ['**', 'a/b', true],
  ['[a-c]x', 'bx', true],
  ['[^a]', '/', false],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
  ['a.b', 'axb', false],
  ['{a,b}', 'a', false],
])('%s on %s: %s', (pattern, path, expected) => {
  expect(globToRegExp(pattern).test(path)).toBe(expected);
});
