/**
 * A lab's task as the learner meets it: a comment in their runtime, at the place where the work
 * belongs. It begins with a mark, `// Task 03: …`, by which a later run knows that it is there.
 * Everything here is text in, text out.
 */
import type { Task } from './lab.ts';

const MARK = /^\s*\/\/ Task (\d\d):/gm;

/** The lines of the comment, without indentation. */
export function writeTask(number: string, task: Task): string[] {
  const [first = '', ...others] = task.lines;
  return [`// Task ${number}: ${first}`, ...others.map((line) => `// ${line}`)];
}

/** The numbers of the labs whose tasks are marked in `source`. */
export function markedTasks(source: string): string[] {
  return [...source.matchAll(MARK)].map(([, number = '']) => number);
}

/**
 * `source` with the task before the first line that contains `task.before`, as far indented as that
 * line; undefined when no line does.
 */
export function insertTask(source: string, number: string, task: Task): string | undefined {
  const lines = source.split('\n');
  const at = lines.findIndex((line) => line.includes(task.before));
  if (at < 0) return undefined;
  const indent = /^\s*/.exec(lines[at] ?? '')?.[0] ?? '';
  const comment = writeTask(number, task).map((line) => indent + line);
  return lines.toSpliced(at, 0, ...comment).join('\n');
}

const RELATIVE_IMPORT = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"\n]*)\2/g;

/** `source` with relative imports that mean the same file from another place. */
export function moveImports(source: string, move: (specifier: string) => string): string {
  return source.replace(
    RELATIVE_IMPORT,
    (_, before: string, quote: string, specifier: string) =>
      `${before}${quote}${move(specifier)}${quote}`,
  );
}
