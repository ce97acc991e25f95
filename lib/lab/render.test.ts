import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseReading } from './reading.ts';
import { createRenderer } from './render.ts';
import { layTable } from './render-table.ts';
import { columnsOf, rowsOf, wrap } from './render-wrap.ts';

const HEAD = `---
number: 03
title: The \`root\`
minutes: 12
needs: [root]
objectives: [learn *this*]
keypoints: [a]
---
`;

const plain = createRenderer({ width: 40, color: false });
const colored = createRenderer({ width: 40, color: true });

function render(body: string, renderer = plain): string {
  const { blocks } = parseReading(HEAD + body, 'README.md');
  return blocks.map((block) => renderer.block(block)).join('\n\n');
}

describe('a reading in a terminal', () => {
  it('has no control characters without colour, and the same text with it', () => {
    const body = '# A `b`\n\nSome *em*, **strong** `code: x`.\n\n- one `two`\n';
    expect(render(body)).not.toContain('\x1b');
    expect(render(body, colored)).toContain('\x1b[');
    expect(stripVTControlCharacters(render(body, colored))).toBe(render(body));
  });

  it('keeps every line of prose within the width', () => {
    const words = 'word '.repeat(60);
    const body = `${words}\n\n- ${words}\n  - ${words}\n\n1. ${words}\n\n> **Predict.** ${words}\n`;
    const lines = render(body).split('\n');
    expect(lines.length).toBeGreaterThan(40);
    expect(lines.filter((line) => columnsOf(line) > 40)).toEqual([]);
  });

  it('hangs the lines of list items under their text, nested ones further in', () => {
    const body = `- first ${'word '.repeat(8)}\n- second\n  - inner\n`;
    expect(render(body)).toBe(
      [
        '  · first word word word word word word',
        '    word word',
        '  · second',
        '      · inner',
      ].join('\n'),
    );
  });

  it('leaves drawings as they are, only further in', () => {
    expect(render('```text\n a  <b> &lt;\n\n   c\n```\n')).toBe('     a  <b> &lt;\n\n       c');
  });

  it('shows a fold as one line, and opens it with all that is in it', () => {
    const body =
      '<details><summary>Why?</summary>\n\nSo.\n\n```output x\n$ ls\n```\n\n</details>\n';
    expect(render(body)).toBe('▸ Why?');
    const [fold] = parseReading(HEAD + body, 'README.md').blocks;
    if (fold?.kind !== 'fold') throw new Error('there is no fold');
    expect(plain.open(fold)).toBe('▾ Why?\n\nSo.\n\n    $ ls');
  });

  it('shows neither steps nor what they are claimed to print', () => {
    const { blocks } = parseReading(`${HEAD}[step a](lab.ts)\n\n\`\`\`output a\nx\n\`\`\`\n`, 'R');
    expect(blocks.map((block) => plain.block(block))).toEqual([undefined, undefined]);
  });

  it('gives the address of a site, and not of a manual page or a file', () => {
    const body = 'See [mount(2)](https://man.x/2), [code](lab.ts), [a site](https://x.y).\n';
    expect(render(body).replace(/\n/g, ' ')).toBe('See mount(2), code, a site (https://x.y).');
  });

  it('prints what stood for markup in HTML as itself', () => {
    expect(render('1 < 2 && "three" > `a & b`\n')).toBe('1 < 2 && "three" > a & b');
  });

  it('names the kind of a note', () => {
    expect(render('> [!NOTE]\n> Text.\n')).toBe('│ Note: Text.');
  });

  it('begins with title, minutes, needs and objectives', () => {
    const { frontMatter } = parseReading(`${HEAD}x\n`, 'README.md');
    expect(plain.head(frontMatter)).toBe(
      'Lab 03 · The root  12 minutes · needs root\n  · learn this',
    );
  });
});

describe('wrapping', () => {
  it('does not count colours', () => {
    expect(columnsOf('\x1b[31mred\x1b[39m')).toBe(3);
    expect(wrap('\x1b[31maa bb\x1b[39m cc', 5)).toBe('\x1b[31maa bb\x1b[39m\ncc');
  });

  it('gives a word that is too long a line of its own', () => {
    expect(wrap('a bbbbbbbb c', 4)).toBe('a\nbbbbbbbb\nc');
  });

  it('counts the rows that long lines take', () => {
    expect(rowsOf('', 10)).toBe(1);
    expect(rowsOf('a'.repeat(11), 10)).toBe(2);
    expect(rowsOf('a\nb', 10)).toBe(2);
  });
});

describe('a table', () => {
  it('has columns as wide as their widest cell', () => {
    expect(layTable(['a', 'b'], [['one', '2']], { width: 40 })).toBe('a     b\n───   ─\none   2');
  });

  it('breaks wide cells where the width is not enough', () => {
    const table = layTable(['a', 'b'], [['x', 'word '.repeat(20)]], { width: 30 });
    expect(table.split('\n').filter((line) => columnsOf(line) > 30)).toEqual([]);
    expect(table.match(/word/g)).toHaveLength(20);
  });
});
