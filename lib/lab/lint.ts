/**
 * The linter of the course: what must be true of every lab before anybody reads it, as far as it
 * can be seen without running anything. What has to be run is in lint/prove.ts.
 *
 * Rules are in lint/, each a function from a text to complaints; here they get their texts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { course, directoryOf, loadLab, loadPrevious, numberOf, root } from './course.ts';
import type { Complaint } from './lint/complaint.ts';
import { lintCommands } from './lint/console.ts';
import { lintExcerpts } from './lint/excerpts.ts';
import { lintFrontMatter } from './lint/front-matter.ts';
import { lintLinks, listLinks, type Surroundings } from './lint/links.ts';
import { lintFolder, lintParts } from './lint/parts.ts';
import { lintProse } from './lint/prose.ts';
import { lintSections } from './lint/sections.ts';
import { lintSteps } from './lint/steps.ts';
import { parseReading, type Reading, ReadingError } from './reading.ts';

export { type Complaint, describeComplaint } from './lint/complaint.ts';

/** All complaints about the lab in `labs/FOLDER`. Throws where one of its modules does not load. */
export async function lintLab(folder: string): Promise<Complaint[]> {
  const directory = directoryOf(folder);
  const files = readdirSync(directory);
  const missing = [...PARTS].filter((name) => !files.includes(name));
  if (missing.length > 0) {
    return missing.map((name) => ({ file: `labs/${folder}/${name}`, problem: 'is missing' }));
  }
  const number = numberOf(folder);
  const modules = await loadLab(number);
  if (!modules) throw new RangeError(`no lab in the folder ${folder}`);
  const previous = await loadPrevious(number);
  const file = `labs/${folder}/README.md`;
  const text = readFileSync(join(root, file), 'utf8');
  const linked = listLinks(text).map((href) => posix.normalize(href.split('#')[0] ?? ''));
  return [
    ...lintParts(modules, folder, readFileSync(previous.file, 'utf8')),
    ...lintFolder(folder, files, [...linked, posix.basename(previous.file)]),
    ...lintLinks(text, file, surroundings()),
    ...lintReading(text, file, {
      number,
      steps: Object.keys(modules.lab.steps),
      runtime: readFileSync(`${directory}/runtime.ts`, 'utf8'),
    }),
  ];
}

const PARTS = ['README.md', 'lab.ts', 'runtime.ts', 'checks.ts', 'attack.ts'];

export interface LabTexts {
  number: string;
  steps: readonly string[];
  /** The text of the lab's runtime.ts. */
  runtime: string;
}

/** The rules about a reading itself; one that cannot be parsed is one complaint. */
export function lintReading(
  text: string,
  file: string,
  { number, steps, runtime }: LabTexts,
): Complaint[] {
  let reading: Reading;
  try {
    reading = parseReading(text, file);
  } catch (error) {
    if (!(error instanceof ReadingError)) throw error;
    const { line, message } = error;
    return [{ file, line, problem: message.slice(`${file}:${line}: `.length) }];
  }
  return [
    ...lintFrontMatter(reading, number),
    ...lintSections(reading),
    ...lintSteps(reading, steps),
    ...lintExcerpts(reading, runtime, readIfThere),
    ...lintCommands(reading),
    ...lintProse(reading),
  ];
}

/** The repository's own README, and folders in labs/ that are in no course. */
export function lintRepository(): Complaint[] {
  const readme = lintLinks(
    readFileSync(join(root, 'README.md'), 'utf8'),
    'README.md',
    surroundings(),
  );
  const astray = readdirSync(join(root, 'labs'))
    .filter((name) => !course.some((folder) => folder === name))
    .map((name) => ({ file: `labs/${name}`, problem: 'astray: not in lib/lab/course.ts' }));
  return [...readme, ...astray];
}

function surroundings(): Surroundings {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { exists: (path) => existsSync(join(root, path)), scripts: Object.keys(scripts) };
}

function readIfThere(file: string): string | undefined {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
