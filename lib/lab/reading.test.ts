import { describe, expect, it } from 'vitest';
import { allBlocks, parseReading, ReadingError } from './reading.ts';

const HEAD = `---
number: 03
title: Another root
minutes: 12
needs: [root]
objectives: [a, b, c]
keypoints: [d, e, f]
---
`;

const parse = (body: string) => parseReading(HEAD + body, 'labs/03/README.md');
const kinds = (body: string) => parse(body).blocks.map(({ kind }) => kind);

function refused(text: string): string {
  try {
    parseReading(text, 'labs/03/README.md');
  } catch (error) {
    if (error instanceof ReadingError) return error.message;
    throw error;
  }
  return 'read without complaint';
}

describe('front matter', () => {
  it('is read, and a number that YAML takes for 3 is the lab’s 03', () => {
    const { frontMatter } = parse('text\n');
    expect(frontMatter).toEqual({
      number: '03',
      title: 'Another root',
      minutes: 12,
      needs: ['root'],
      objectives: ['a', 'b', 'c'],
      keypoints: ['d', 'e', 'f'],
    });
  });

  it('that is not there is refused at line 1', () => {
    expect(refused('# Title\n')).toMatch(/^labs\/03\/README\.md:1: begin the file with/);
  });

  it('with a field of another kind is refused at the field’s line', () => {
    expect(refused(`${HEAD.replace('12', 'many')}text\n`)).toBe(
      'labs/03/README.md:4: front matter: `minutes` must be a number above 0',
    );
    expect(refused(`${HEAD.replace('[a, b, c]', 'a')}text\n`)).toMatch(/:6: .*`objectives`/);
    expect(refused(`${HEAD.replace('title: Another root\n', '')}text\n`)).toMatch(/`title`/);
  });

  it('that is no YAML is refused at the line that is not', () => {
    expect(refused(`${HEAD.replace('[root]', '[root')}text\n`)).toMatch(/:(5|6): front matter: /);
  });
});

describe('blocks', () => {
  const body = `# Title

Some *text*.

> **Predict.** How many
> mounts?

[step look](lab.ts)

\`\`\`output look
$ ls
\`\`\`

<details>
<summary>An aside about <code>ls</code></summary>

Inside.

\`\`\`text
</details>
\`\`\`

</details>

The end.
`;

  it('come in their order, neighbouring texts as one', () => {
    expect(kinds(body)).toEqual(['text', 'predict', 'step', 'output', 'fold', 'text']);
  });

  it('know the line on which they begin, also inside a fold', () => {
    const lines = allBlocks(parse(body).blocks).map(({ kind, line }) => `${kind} ${line}`);
    expect(lines).toEqual([
      'text 9',
      'predict 13',
      'step 16',
      'output 18',
      'fold 22',
      'text 25',
      'drawing 27',
      'text 33',
    ]);
  });

  it('hold the name of the step, the claim, the summary without its markup', () => {
    const { blocks } = parse(body);
    expect(blocks[2]).toMatchObject({ kind: 'step', name: 'look' });
    expect(blocks[3]).toMatchObject({ kind: 'output', step: 'look', claim: '$ ls' });
    expect(blocks[4]).toMatchObject({ kind: 'fold', summary: 'An aside about ls' });
  });

  it('of code are told apart by the words after the fence', () => {
    const fence = (about: string) => `\`\`\`${about}\nx\n\`\`\`\n\n`;
    const about = ['runtime', 'ts lib/a.ts', 'console', 'text', 'json'];
    expect(kinds(about.map(fence).join(''))).toEqual([
      'runtime',
      'source',
      'console',
      'drawing',
      'data',
    ]);
  });

  it('may hold folds in folds', () => {
    const inner = '<details><summary>b</summary>\n\ntext\n\n</details>';
    const nested = `<details><summary>a</summary>\n\n${inner}\n\n</details>\n\nafter\n`;
    expect(kinds(nested)).toEqual(['fold', 'text']);
    expect(allBlocks(parse(nested).blocks).map(({ kind }) => kind)).toEqual([
      'fold',
      'fold',
      'text',
      'text',
    ]);
  });

  it('a quotation without the mark is text', () => {
    expect(kinds('> Predict nothing.\n')).toEqual(['text']);
  });
});

describe('what looks right and is not is refused with its line', () => {
  it.each([
    ['a step inside a sentence', 'Run [step a](lab.ts) now.\n', /:9: a step stands alone/],
    ['a step of another file', 'text\n\n[step a](other.ts)\n', /:11: a step stands alone/],
    ['a block of an unknown kind', '```bash\nls\n```\n', /:9: ```bash is no kind of block/],
    ['TypeScript of no file', '```ts\nx\n```\n', /:9: ```ts is no kind of block/],
    ['code in a list', '- a\n\n  ```text\n  x\n  ```\n', /:9: a block of code stands by itself/],
    ['a fold that is not closed', '<details><summary>a</summary>\n\nb\n', /:9: of HTML only/],
    [
      'a step in a fold',
      '<details><summary>a</summary>\n\n[step a](lab.ts)\n\n</details>\n',
      /:11: a step cannot stand in a fold/,
    ],
  ])('%s', (_, body, message) => {
    expect(refused(HEAD + body)).toMatch(message);
  });
});
