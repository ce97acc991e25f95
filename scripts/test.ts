/**
 * `npm test`: runs vitest and ends with what it counted. A test that did not run is named with the
 * reason, so that one cannot vanish unseen. A file that leaves the machine with other mounts than it
 * found fails. Arguments are vitest's own (`npm test -- lib/launch`).
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { DefaultReporter, parseCLI, startVitest } from 'vitest/node';
import { readMountinfo } from '../lib/observe/mountinfo.ts';
import { isApart, runApart } from './apart.ts';
import { type Counts, reportCounts } from './counts.ts';
import { recordResult } from './results.ts';

/** Of files that left other mounts than they found, a line each. */
const strayed: string[] = [];
let mounts = mountPoints();

process.exitCode = await runApart(main);

async function main(args: string[]): Promise<number> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const perFile: Reporter = { onTestModuleEnd };
  const reporters = [new DefaultReporter(), perFile];
  const vitest = await startVitest('test', filter, options, { test: { reporters } });
  const modules = vitest.state.getTestModules();
  const errors = vitest.state.getUnhandledErrors().length;
  await vitest.close();

  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  for (const test of tests.filter(isSkipped)) {
    console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${reason(test)}`);
  }
  for (const line of strayed) console.log(line);
  const counts = count(modules);
  reportCounts({ ...counts, failed: counts.failed + errors + strayed.length });
  return Number(process.exitCode ?? 0);
}

function onTestModuleEnd(module: TestModule): void {
  const ended = [...module.children.allTests()];
  const failed = ended.filter((test) => test.result().state === 'failed');
  const stray = findStray(module.relativeModuleId);
  strayed.push(...stray);
  const counts = count([module]);
  recordResult({
    test: module.relativeModuleId,
    ...counts,
    failed: counts.failed + stray.length,
    reasons: [
      ...stray,
      ...failed.map((test) => `failed: ${test.fullName}: ${message(test)}`),
      ...ended.filter(isSkipped).map((test) => `skipped: ${test.fullName}: ${reason(test)}`),
    ],
    seconds: module.diagnostic().duration / 1000,
  });
}

/** Elsewhere than apart others mount and unmount as well. */
function findStray(file: string): string[] {
  if (!isApart()) return [];
  const before = mounts;
  mounts = mountPoints();
  const less = before.filter((point) => !mounts.includes(point));
  const more = mounts.filter((point) => !before.includes(point));
  if (less.length + more.length === 0) return [];
  const listed = [...less.map((point) => `-${point}`), ...more.map((point) => `+${point}`)];
  return [`failed: ${file} has changed the mounts of its machine: ${listed.join(' ')}`];
}

function mountPoints(): string[] {
  return isApart() ? readMountinfo().map(({ mountPoint }) => mountPoint) : [];
}

function count(of: readonly TestModule[]): Counts {
  const ended = of.flatMap((module) => [...module.children.allTests()]);
  const inState = (state: string) => ended.filter((test) => test.result().state === state).length;
  return {
    passed: inState('passed'),
    failed: inState('failed') + of.filter(brokeOutsideTests).length,
    skipped: ended.filter(isSkipped).length,
  };
}

/** A test that never got to its end counts as well: nothing shows that it holds. */
function isSkipped(test: TestCase): boolean {
  const { state } = test.result();
  return state === 'skipped' || state === 'pending';
}

/** The first line: what is short enough for a table. */
function message(test: TestCase): string {
  const [error] = test.result().errors ?? [];
  return error?.message.split('\n')[0] ?? 'no error was given';
}

function reason(test: TestCase): string {
  const result = test.result();
  if (result.state === 'pending') return 'it was not reached';
  return (result.state === 'skipped' && result.note) || 'no reason was given';
}

/** A file that does not load, or whose hooks fail, has errors that are no test's. */
function brokeOutsideTests(module: TestModule): boolean {
  const suites = [...module.children.allSuites()];
  return [module, ...suites].some((part) => part.errors().length > 0);
}
