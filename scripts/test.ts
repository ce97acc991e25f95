/**
 * `npm test`: runs vitest and ends with what it counted. A test that did not run is named with the
 * reason, so that one cannot vanish unseen. Arguments are vitest's own (`npm test -- lib/launch`).
 */
import type { TestCase, TestModule } from 'vitest/node';
import { parseCLI, startVitest } from 'vitest/node';
import { reportCounts } from './counts.ts';

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
const vitest = await startVitest('test', filter, options);
const modules = vitest.state.getTestModules();
const errors = vitest.state.getUnhandledErrors().length;
await vitest.close();

const tests = modules.flatMap((module) => [...module.children.allTests()]);
const skipped = tests.filter((test) => isSkipped(test));
for (const test of skipped) {
  console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${reason(test)}`);
}
reportCounts({
  passed: tests.filter((test) => test.result().state === 'passed').length,
  failed:
    tests.filter((test) => test.result().state === 'failed').length +
    modules.filter(brokeOutsideTests).length +
    errors,
  skipped: skipped.length,
});

/** A test that never got to its end counts as well: nothing shows that it holds. */
function isSkipped(test: TestCase): boolean {
  const { state } = test.result();
  return state === 'skipped' || state === 'pending';
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
