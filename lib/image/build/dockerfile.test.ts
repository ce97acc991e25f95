import { expect, it } from 'vitest';
import { BuildError } from './build-error.ts';
import { parseDockerfile, parseInstruction } from './dockerfile.ts';

const parse = (text: string) => parseDockerfile(text).instructions;
const one = (text: string) => parseInstruction(text, 'Dockerfile');

it('an instruction goes on over lines, and comments between them are not part of it', () => {
  const [from, run, cmd] = parse(
    'FROM a\n\n# comment\nRUN echo a \\\n  # no\n\n  && echo "#b"\nCMD x\n',
  );
  expect(from).toMatchObject({ keyword: 'FROM', line: 1, text: 'a' });
  expect(run).toMatchObject({ keyword: 'RUN', line: 4, text: 'echo a   && echo "#b"' });
  expect(cmd).toMatchObject({ keyword: 'CMD', line: 8 });
});

it('the escape character is the one of the directive', () => {
  const [, run] = parse('# escape=`\nFROM a\nRUN dir c:\\ `\n && more\n');
  expect(run?.text).toBe('dir c:\\  && more');
});

it('keywords are known in any case, Windows line ends and a byte order mark are no obstacle', () => {
  const [from, env] = parse('\uFEFFfrom a\r\nEnv A=1\r\n');
  expect([from?.keyword, env?.keyword, env?.text]).toEqual(['FROM', 'ENV', 'A=1']);
});

it('an unknown instruction is an error with its line, as is one without arguments', () => {
  expect(() => parse('FROM a\n\nINSTALL vim\n')).toThrow(
    /^Dockerfile:3: INSTALL is no instruction/,
  );
  expect(() => parse('FROM a\nRUN\n')).toThrow('Dockerfile:2: RUN needs arguments');
  expect(() => parse('RUN x\nFROM a\n')).toThrow('Dockerfile:1: RUN before the first FROM');
  expect(() => parse('# nothing\n')).toThrow(BuildError);
});

it('flags are taken off the text, and only in front', () => {
  expect(one('COPY --from=b --chown="1:2" --link a --x /')).toMatchObject({
    flags: [
      { name: 'from', value: 'b' },
      { name: 'chown', value: '1:2' },
      { name: 'link', value: null },
    ],
    text: 'a --x /',
  });
});

it('the exec form is JSON, blanks and all; what only looks like it is for a shell', () => {
  expect(one('CMD ["a b", "c\\"d", \\\n "e"]').exec).toEqual(['a b', 'c"d', 'e']);
  expect(one('RUN [ -e /x ] && echo').exec).toBeNull();
  expect(one("CMD ['a']").exec).toBeNull();
});

it('here-documents: what the shell reads, what becomes a file, tabs, quotes', () => {
  const run = one('RUN cat <<E | wc -l\n$x\nE');
  expect(run).toMatchObject({ text: 'cat <<E | wc -l', heredocLines: '$x\nE' });
  const copy = one('COPY <<A <<-"B" /x/\n  one $v\nA\n\ttwo\n\tB');
  expect(copy.heredocs).toEqual([
    { name: 'A', expands: true, text: '  one $v\n' },
    { name: 'B', expands: false, text: 'two\n' },
  ]);
  expect(copy.text).toBe('<<A <<-"B" /x/');
});

it('a here-string or a shift is no here-document', () => {
  const [, run, cmd] = parse('FROM a\nRUN cat <<<x; echo $((1<<2))\nCMD y\n');
  expect(run?.heredocs).toEqual([]);
  expect(cmd?.text).toBe('y');
});
