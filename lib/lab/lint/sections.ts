/**
 * The order in which a lab reads: from the question to the reader's own check of what stayed. The
 * sections that hold the steps are named by the lab; the others have the same names everywhere, so
 * that a reader finds their way, and a teacher's page at the end.
 */
import type { Tokens } from 'marked';
import type { Block, Reading } from '../reading.ts';
import type { Complaint } from './complaint.ts';
import { plainText } from './prose.ts';

export const SECTIONS = [
  'The question',
  'The idea',
  'From outside',
  'Break it',
  'Yours',
  'Elsewhere',
  'Check yourself',
] as const;

const QUESTIONS = 3;
const FOR_THE_TEACHER = /^For the teacher\b/;

export interface Section {
  /** The text of its `##` heading; empty for what stands before the first. */
  title: string;
  blocks: Block[];
}

export function lintSections(reading: Reading): Complaint[] {
  const { file } = reading;
  const sections = listSections(reading.blocks);
  const titles = sections.map(({ title }) => title);
  const complaints: Complaint[] = [];
  let last = -1;
  for (const name of SECTIONS) {
    const at = titles.indexOf(name);
    if (at < 0) complaints.push({ file, problem: `there is no section "## ${name}"` });
    else if (at < last) complaints.push({ file, problem: `section "## ${name}" stands too early` });
    last = Math.max(last, at);
  }
  const folds = reading.blocks.filter((block) => block.kind === 'fold');
  if (!folds.some(({ summary }) => FOR_THE_TEACHER.test(summary))) {
    complaints.push({ file, problem: 'there is no fold "For the teacher"' });
  }
  const questions = sections.find(({ title }) => title === 'Check yourself')?.blocks ?? [];
  const answers = questions
    .filter((block) => block.kind === 'fold')
    .filter(({ summary }) => !FOR_THE_TEACHER.test(summary));
  if (questions.length > 0 && answers.length !== QUESTIONS) {
    const problem = `"## Check yourself" has ${answers.length} folded answers; ${QUESTIONS} are asked`;
    complaints.push({ file, line: questions[0]?.line, problem });
  }
  return complaints;
}

/** A reading cut at its `##` headings; blocks of text that span several are cut as well. */
export function listSections(blocks: readonly Block[]): Section[] {
  const sections: Section[] = [{ title: '', blocks: [] }];
  for (const block of blocks) {
    if (block.kind !== 'text') {
      sections.at(-1)?.blocks.push(block);
      continue;
    }
    for (const token of block.tokens) {
      const heading = token.type === 'heading' ? (token as Tokens.Heading) : undefined;
      if (heading?.depth === 2)
        sections.push({ title: plainText(heading.tokens).trim(), blocks: [] });
      else sections.at(-1)?.blocks.push({ ...block, tokens: [token] });
    }
  }
  return sections;
}
