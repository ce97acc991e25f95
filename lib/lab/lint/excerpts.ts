/**
 * Code in a reading is an excerpt of code that runs: each line of it stands in the file, in that
 * order. Lines may be left out; a line that is only an ellipsis says so.
 */
import { allBlocks, type Reading } from '../reading.ts';
import type { Complaint } from './complaint.ts';

/** `read` gives the text of a file by its path from the root, or undefined when there is none. */
export function lintExcerpts(
  reading: Reading,
  runtime: string,
  read: (file: string) => string | undefined,
): Complaint[] {
  const { file } = reading;
  return allBlocks(reading.blocks).flatMap(({ line, ...block }) => {
    if (block.kind !== 'runtime' && block.kind !== 'source') return [];
    const name = block.kind === 'runtime' ? 'runtime.ts' : block.file;
    const text = block.kind === 'runtime' ? runtime : read(block.file);
    if (text === undefined) return [{ file, line, problem: `there is no file ${name}` }];
    const stray = findStray(block.text, text);
    if (stray === undefined) return [];
    return [{ file, line, problem: `not in ${name}, or not in that order: ${stray}` }];
  });
}

/** The first line of `excerpt` that `text` does not go on with; indentation does not count. */
export function findStray(excerpt: string, text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  let from = 0;
  for (const line of excerpt.split('\n').map((each) => each.trim())) {
    if (line === '' || /^(?:\/\/ )?…$/.test(line)) continue;
    const at = lines.indexOf(line, from);
    if (at < 0) return line;
    from = at + 1;
  }
  return undefined;
}
