/** What the README shows is what its commands print, and what stands in the files that it quotes. */
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { root } from '../lib/lab/course.ts';
import { matchOutput } from '../lib/lab/reading.ts';
import { itNeeds } from '../lib/observe/it-needs.ts';

const readme = readFileSync(`${root}README.md`, 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  );

itNeeds(['root', 'nsenter'], 'the transcript is what the lab prints', async () => {
  const [command = '', ...lines] = (blocks('text')[0] ?? '').split('\n');
  const number = /^\$ npm run lab:(\d\d) -- --yes$/.exec(command)?.[1] ?? '';
  const lab = await execa(process.execPath, [`${root}scripts/lab.ts`, number, '--yes']);
  expect(matchOutput(lines.join('\n'), lab.stdout)).toEqual({ ok: true });
});

it('the program is lab 03’s, line by line', () => {
  const text = readFileSync(`${root}labs/03-pivot-root/runtime.ts`, 'utf8');
  const own = text.split('\n').map((line) => line.trim());
  const quoted = (blocks('ts')[0] ?? '').trim().split('\n');
  const [first = '', ...lines] = quoted.map((line) => line.trim());
  expect(own).toContain(`const program = ${first}`);
  expect(lines.filter((line) => !own.includes(line))).toEqual([]);
  expect(lines).toHaveLength(8);
});

it('every folder of the course is in its table', () => {
  const folders = [...readme.matchAll(/\]\(labs\/([\w-]+)\/README\.md\)/g)].map(([, name]) => name);
  const course = readFileSync(`${root}lib/lab/course.ts`, 'utf8');
  expect(folders).toEqual([...course.matchAll(/'(\d\d-[\w-]+)'/g)].map(([, name]) => name));
});
