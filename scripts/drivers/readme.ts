/**
 * What the README shows for other engines: there to be copied, and so it is run as it stands.
 */
import { readFileSync } from 'node:fs';

const FENCE = '```';

/** The block after the paragraph that names the file. Throws Error when there is none. */
export function blockFor(file: string, readme: string): string {
  const quoted = `\`${file.replaceAll('.', '\\.')}\``;
  const block = new RegExp(`${quoted}:\\n\\n${FENCE}\\w+\\n(.*?)^${FENCE}`, 'ms').exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md shows nothing for ${file}`);
  return block;
}

/** The first line that begins with these words. Throws Error. */
export function lineOf(words: string, readme: string): string {
  const line = readme.split('\n').find((one) => one.startsWith(words));
  if (line === undefined) throw new Error(`README.md has no line "${words} …"`);
  return line;
}

export const readReadme = (root: string): string => readFileSync(`${root}README.md`, 'utf8');
