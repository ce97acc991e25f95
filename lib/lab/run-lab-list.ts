/** `npm run lab`: the labs, what each needs, and which are done. */
import { existsSync, readFileSync } from 'node:fs';
import { course, directoryOf, numberOf } from './course.ts';
import { type Progress, readProgress } from './progress.ts';
import { parseReading } from './reading.ts';
import type { Paint } from './render-paint.ts';
import { layTable } from './render-table.ts';

export interface ListedLab {
  number: string;
  title: string;
  minutes: number;
  needs: readonly string[];
  done: Progress[string] | undefined;
}

/** Throws ReadingError for a README whose front matter is broken. */
export function listLabs(): ListedLab[] {
  const progress = readProgress();
  return course.flatMap((folder) => {
    const file = `${directoryOf(folder)}/README.md`;
    // A lab that is being written has no reading yet and cannot be read.
    if (!existsSync(file)) return [];
    const { frontMatter } = parseReading(readFileSync(file, 'utf8'), `labs/${folder}/README.md`);
    const { title, minutes, needs } = frontMatter;
    const number = numberOf(folder);
    return [{ number, title, minutes, needs, done: progress[number] }];
  });
}

export function formatList(
  labs: readonly ListedLab[],
  { paint, width }: { paint: Paint; width: number },
): string {
  const rows = labs.map(({ number, title, minutes, needs, done }) => [
    `lab:${number}`,
    title,
    `${minutes}`,
    needs.join(', '),
    paint(done ? 'green' : 'dim', formatDone(done)),
  ]);
  const header = ['', 'title', 'minutes', 'needs', 'done'];
  const table = layTable(header, rows, { width, rule: (text) => paint('dim', text) });
  return `${table}\n\nnpm run lab:00 begins; npm run lab -- --help lists the flags.`;
}

function formatDone(done: Progress[string] | undefined): string {
  const days = [
    ...(done?.lab ? [done.lab.slice(0, 10)] : []),
    ...(done?.mine ? [`yours ${done.mine.slice(0, 10)}`] : []),
  ];
  return days.join(', ') || 'not yet';
}
