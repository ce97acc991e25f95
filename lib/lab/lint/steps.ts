/**
 * Steps and reading belong together: every step stands once in the reading and in the lab's order,
 * the reader has committed to an answer before each, and what is said to be a step's output is of
 * a step that there is.
 */
import { allBlocks, type Reading } from '../reading.ts';
import type { Complaint } from './complaint.ts';

export function lintSteps(reading: Reading, steps: readonly string[]): Complaint[] {
  const { file } = reading;
  const placed = reading.blocks.filter((block) => block.kind === 'step');
  const names = placed.map(({ name }) => name);
  const complaints: Complaint[] = [];
  for (const name of steps) {
    const count = names.filter((each) => each === name).length;
    if (count !== 1) complaints.push({ file, problem: `step ${name} stands ${count} times in it` });
  }
  for (const { name, line } of placed) {
    if (!steps.includes(name))
      complaints.push({ file, line, problem: `lab.ts has no step ${name}` });
  }
  const inOrder = steps.filter((name) => names.includes(name));
  const known = names.filter((name) => steps.includes(name));
  if (complaints.length === 0 && inOrder.join() !== known.join()) {
    complaints.push({ file, problem: `steps in another order than lab.ts: ${known.join(', ')}` });
  }
  return [...complaints, ...lintPredictions(reading), ...lintClaims(reading, steps)];
}

function lintPredictions({ file, blocks }: Reading): Complaint[] {
  const complaints: Complaint[] = [];
  let asked = false;
  for (const block of blocks) {
    if (block.kind === 'predict') asked = true;
    if (block.kind !== 'step') continue;
    if (!asked) {
      const problem = `nothing to predict before step ${block.name}`;
      complaints.push({ file, line: block.line, problem });
    }
    asked = false;
  }
  return complaints;
}

function lintClaims({ file, blocks }: Reading, steps: readonly string[]): Complaint[] {
  return allBlocks(blocks).flatMap((block) =>
    block.kind === 'output' && !steps.includes(block.step)
      ? [{ file, line: block.line, problem: `output of a step that lab.ts has not: ${block.step}` }]
      : [],
  );
}
