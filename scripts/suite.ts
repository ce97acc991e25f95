/**
 * What is run in a virtual machine: the shared lib's tests that ask the kernel, every lab with its
 * checks and attacks, every lab's mutants. Each part appends to UNBOXED_RESULTS as it ends.
 *
 *   node scripts/suite.ts                everything
 *   node scripts/suite.ts lib/launch     test files whose path holds this
 *   node scripts/suite.ts labs mutants   all labs, then all mutants
 *   node scripts/suite.ts lab:05 mutants:05
 *   node scripts/suite.ts attacks kills:20 drivers:podman
 *
 * Exit codes: 0 all held, 1 not so, 2 wrong usage.
 */
import { styleText } from 'node:util';
import { execa } from 'execa';
import { course, numberOf } from '../lib/lab/course.ts';
import { recordResult } from './results.ts';
import { planSuite } from './suite-plan.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const plan = planSuite(args, course.map(numberOf));
  if (typeof plan === 'string') {
    console.error(`suite: ${plan}`);
    return 2;
  }
  let failed = false;
  if (plan.tests.length > 0) failed = !(await runScript('scripts/test.ts', plan.tests)) || failed;
  for (const number of plan.labs) failed = !(await runLab(number)) || failed;
  if (plan.mutants.length > 0) {
    failed = !(await runScript('scripts/mutants.ts', plan.mutants)) || failed;
  }
  for (const { script, args } of plan.trials) failed = !(await runScript(script, args)) || failed;
  return failed ? 1 : 0;
}

async function runScript(script: string, args: string[]): Promise<boolean> {
  const { exitCode } = await execa(process.execPath, [script, ...args], {
    stdio: 'inherit',
    reject: false,
  });
  return exitCode === 0;
}

/** The whole lab, straight through: its steps, its checks, its attacks. */
async function runLab(number: string): Promise<boolean> {
  const began = performance.now();
  const run = await execa(process.execPath, ['scripts/lab.ts', number, '--json'], {
    reject: false,
  });
  const result = {
    test: `lab ${number}`,
    seconds: (performance.now() - began) / 1000,
    ...readEvents(run),
  };
  const mark = result.failed > 0 ? styleText('red', '✗') : styleText('green', '✓');
  console.log(`${mark} ${result.test}  ${result.passed} held (${result.seconds.toFixed(1)} s)`);
  for (const reason of result.reasons) console.log(`    ${reason}`);
  if (result.failed > 0) console.log(run.stderr);
  recordResult(result);
  return result.failed === 0;
}

interface Event {
  event: string;
  claim?: string;
  held?: boolean;
  expected?: unknown;
  seen?: string;
  where?: string;
  title?: string;
  runtime?: string;
  asExpected?: boolean;
  message?: string;
}

interface Ended {
  stdout: string;
  stderr: string;
  exitCode?: number | undefined;
  signal?: string | undefined;
}

function readEvents({ stdout, stderr, exitCode, signal }: Ended) {
  // A host without what the lab needs: it has said what is missing.
  if (exitCode === 3) {
    const why = stderr.split('\n').map((line) => line.trim());
    return { passed: 0, failed: 0, skipped: 1, reasons: [`skipped: ${why.join(' ')}`] };
  }
  const events = stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Event] : []));
  const judged = events.filter(({ event }) => event === 'check' || event === 'attack');
  const wrong = judged.filter(({ held, asExpected }) => !(held ?? asExpected));
  const reasons = wrong.map(
    ({ claim, title, runtime, expected, seen, where }) =>
      `failed: ${claim ?? `${title}, against ${runtime}`}: expected ${expected}, seen ${seen} (${where})`,
  );
  for (const { message } of events.filter(({ event }) => event === 'error')) {
    reasons.push(`failed: ${message}`);
  }
  if (exitCode !== 0 && reasons.length === 0) {
    const end = signal ?? `exit code ${exitCode}`;
    reasons.push(`failed: ${end}: ${stderr.trim().split('\n').at(-1) ?? ''}`);
  }
  return { passed: judged.length - wrong.length, failed: reasons.length, skipped: 0, reasons };
}
