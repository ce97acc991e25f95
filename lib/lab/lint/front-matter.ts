/** What a lab says about itself before the reading begins; that the fields are there is checked
 * where it is parsed. */
import type { Reading } from '../reading.ts';
import type { Complaint } from './complaint.ts';

const NEEDS = ['linux', 'root', 'network', 'userns', 'cgroup-v2', 'cgroup-v1'];
const THREE = 3;

/** `number` is the lab's, from its folder. */
export function lintFrontMatter({ file, frontMatter }: Reading, number: string): Complaint[] {
  const problems: string[] = [];
  if (frontMatter.number !== number) {
    problems.push(`number ${frontMatter.number} in a folder of number ${number}`);
  }
  for (const field of ['objectives', 'keypoints'] as const) {
    const texts = frontMatter[field].filter((text) => text.trim() !== '');
    if (texts.length !== THREE)
      problems.push(`${texts.length} ${field}; there have to be ${THREE}`);
  }
  for (const need of frontMatter.needs) {
    if (!NEEDS.includes(need)) problems.push(`unknown need ${need}; known are ${NEEDS.join(', ')}`);
  }
  return problems.map((problem) => ({ file, line: 1, problem: `front matter: ${problem}` }));
}
