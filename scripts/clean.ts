/**
 * npm run clean: takes away what runs have left on this machine, and nothing else; says what it
 * removed, and what it left because a living run works with it. Exit codes: 0 all is clean,
 * 1 something could not be removed, 2 wrong usage.
 */
import { parseArgs, styleText } from 'node:util';
import { type CleanReport, cleanAll } from '../lib/host/clean.ts';

const USAGE = 'npm run clean -- [--keep-cache] [--json]';

function readOptions(): { json: boolean; keepCache: boolean } {
  try {
    const { values } = parseArgs({
      options: { json: { type: 'boolean' }, 'keep-cache': { type: 'boolean' } },
    });
    return { json: values.json ?? false, keepCache: values['keep-cache'] ?? false };
  } catch (error) {
    const [what] = (error as Error).message.split('. ');
    process.stderr.write(`clean: ${what}; usage: ${USAGE}\n`);
    process.exit(2);
  }
}

function describe({ removed, inUse, failed }: CleanReport): string[] {
  const ofRun = (run: string | null) => (run === null ? '' : ` (run ${run})`);
  const lines = [
    ...removed.map(({ name, run }) => `removed: ${name}${ofRun(run)}`),
    ...inUse.map(({ name, pid, when }) =>
      pid === null
        ? `left: ${name}, kept on request since ${when}`
        : `left: ${name}, in use by pid ${pid} since ${when}`,
    ),
    ...failed.map(({ run, error }) =>
      styleText('red', `not removed: ${error.message}${ofRun(run)}`),
    ),
  ];
  return lines.length > 0 ? lines : ['nothing to clean'];
}

const { json, keepCache } = readOptions();
try {
  const report = await cleanAll({ all: true, keepCache });
  if (json) {
    const failed = report.failed.map(({ name, run, error }) => ({ name, run, why: error.message }));
    process.stdout.write(`${JSON.stringify({ ...report, failed })}\n`);
  } else {
    process.stdout.write(`${describe(report).join('\n')}\n`);
  }
  process.exitCode = report.failed.length > 0 ? 1 : 0;
} catch (error) {
  process.stderr.write(`clean: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
