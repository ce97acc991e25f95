/**
 * `npm run lab:diff 03 04`: what lab 04's runtime has that lab 03's has not. In colour on a
 * terminal. Exit codes: 0, also where they are the same; 2 for a wrong call.
 */
import { readFileSync } from 'node:fs';
import { course, directoryOf, numberOf } from '../lib/lab/course.ts';
import { LabError } from '../lib/lab/lab-error.ts';
import { diffRuntimes, inColour, type Side } from '../lib/lab/runtime-diff.ts';

process.exitCode = main(process.argv.slice(2));

function main(args: string[]): number {
  const [before, after, ...more] = args;
  if (before === undefined || after === undefined || more.length > 0) {
    console.error('lab:diff: two labs are compared; usage: npm run lab:diff 03 04');
    return 2;
  }
  try {
    console.log(diffRuntimes(readSide(before), readSide(after), inColour(process.stdout)));
    return 0;
  } catch (error) {
    console.error(`lab:diff: ${(error as Error).message}`);
    return 2;
  }
}

function readSide(number: string): Side {
  const folder = course.find((each) => numberOf(each) === number.padStart(2, '0'));
  const numbers = course.map(numberOf).join(' ');
  if (!folder) throw new LabError(`there is no lab ${number}; there are ${numbers}`, 2);
  const text = readFileSync(`${directoryOf(folder)}/runtime.ts`, 'utf8');
  return { name: `labs/${folder}/runtime.ts`, text };
}
