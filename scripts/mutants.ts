/**
 * `npm run test:mutants`: every lab's runtime with one call, namespace or host action left out, and
 * what noticed it. Nothing may stand in a runtime whose absence nothing notices, unless the lab
 * says why (`unobservable`). `-- 03` runs one lab, `-- --json` prints a line for each mutant.
 *
 * Exit codes: 0 all noticed or excused, 1 not so, 2 wrong usage, 3 this host cannot run them.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { recover } from '../lib/host/clean.ts';
import { inParallel } from '../lib/image/transfer/in-parallel.ts';
import { course, loadLab, numberOf } from '../lib/lab/course.ts';
import { labNeeds } from '../lib/lab/lab-needs.ts';
import { isGood, judgeLab, type MutantResult, type Verdict } from '../lib/lab/mutant-verdict.ts';
import { needs } from '../lib/observe/needs.ts';
import { reportCounts } from './counts.ts';
import type { Report } from './mutants-worker.ts';
import { recordResult } from './results.ts';

/** Until the lab itself has held; how long that took tells how slow the machine is. */
const FIRST_SECONDS = 300;
/** A mutant that has been silent for this long, and for five times the lab's own time, has hung. */
const SECONDS = 20;
const WIDTH = 60;
/** Labs. Each has machines of its own, and most of a mutant's time is one process after the other. */
const AT_ONCE = Math.min(4, availableParallelism());
const WORKER = fileURLToPath(new URL('mutants-worker.ts', import.meta.url));

type Judged = MutantResult & { verdict: Verdict };

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const given = readArguments(args);
  if (typeof given === 'string') {
    console.error(`test:mutants: ${given}; usage: npm run test:mutants -- [NN …] [--json]`);
    return 2;
  }
  const { met, reason } = needs('root', 'ip', 'nft');
  if (!met) {
    console.error(`test:mutants: ${reason}`);
    return 3;
  }
  const results: Judged[] = [];
  const broken: string[] = [];
  let skipped = 0;
  await inParallel(given.numbers, AT_ONCE, async (number) => {
    const missing = needs(...labNeeds(number)).reason;
    if (missing !== '') {
      skipped++;
      skip(number, missing);
      return;
    }
    const began = performance.now();
    const tell = (result: Judged) =>
      console.log(given.json ? JSON.stringify(result) : formatResult(result));
    const excuses = (await loadLab(number))?.lab.unobservable ?? {};
    // Each as it ends: in an emulated guest one takes seconds, and who is silent is taken for hung.
    const { own, seen } = await runLab(number, (one) => {
      const { [one.text]: excuse } = excuses;
      judgeLab(number, [one], excuse === undefined ? {} : { [one.text]: excuse }).forEach(tell);
    });
    if (own !== null) broken.push(`lab ${number} itself does not hold: ${own}`);
    const judged = judgeLab(number, seen, excuses);
    judged.filter(({ verdict }) => verdict === 'excused but absent').forEach(tell);
    results.push(...judged);
    note(number, own, judged, (performance.now() - began) / 1000);
  });
  const passed = results.filter(({ verdict }) => isGood(verdict)).length;
  const counts = { passed, failed: results.length - passed + broken.length, skipped };
  if (given.json) {
    console.log(JSON.stringify({ ...counts, broken }));
  } else {
    for (const line of broken) console.log(line);
    console.log(formatCounts(results));
    reportCounts(counts);
  }
  return counts.failed === 0 ? 0 : 1;
}

function skip(number: string, missing: string): void {
  const reasons = [`skipped: ${missing}`];
  console.error(`lab ${number} is left out: ${missing}`);
  const test = `mutants of lab ${number}`;
  recordResult({ test, passed: 0, failed: 0, skipped: 1, reasons, seconds: 0 });
}

function note(number: string, own: string | null, results: Judged[], seconds: number): void {
  const wrong = results.filter(({ verdict }) => !isGood(verdict));
  recordResult({
    test: `mutants of lab ${number}`,
    passed: results.length - wrong.length,
    failed: wrong.length + (own === null ? 0 : 1),
    skipped: 0,
    reasons: [
      ...(own === null ? [] : [`failed: the lab itself: ${own}`]),
      ...wrong.map(({ text, verdict }) => `failed: ${text}: ${verdict}`),
    ],
    seconds,
  });
}

function readArguments(args: string[]): { numbers: string[]; json: boolean } | string {
  const numbers = course.map(numberOf);
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const wanted = positionals.map((number) => number.padStart(2, '0'));
    const unknown = wanted.find((number) => !numbers.includes(number));
    if (unknown !== undefined) return `there is no lab ${unknown}`;
    return { numbers: wanted.length > 0 ? wanted : numbers, json: values.json };
  } catch (error) {
    return (error as Error).message.split('. ')[0] ?? '';
  }
}

interface Seen {
  text: string;
  notice: string | null;
}

interface LabRun {
  own: string | null;
  seen: Seen[];
}

/** A worker for the whole lab; where a mutant hangs, another one for the rest. */
async function runLab(number: string, tell: (one: Seen) => void): Promise<LabRun> {
  const run: LabRun = { own: 'it ended before it was looked at', seen: [] };
  const take = (one: Seen) => {
    run.seen.push(one);
    tell(one);
  };
  let texts: string[] = [];
  let limit = FIRST_SECONDS;
  const began = performance.now();
  do {
    const from = run.seen.length;
    const end = await runWorker(number, from, (report) => {
      if ('texts' in report) {
        ({ own: run.own, texts } = report);
        limit = Math.max(SECONDS, (5 * (performance.now() - began)) / 1000);
      }
      if ('ended' in report) {
        take({ text: texts[report.ended] ?? '', notice: report.notice });
      }
      return limit;
    });
    if (end === 'done' || texts.length === 0) break;
    const text = texts[run.seen.length] ?? '';
    // Nobody has noticed anything where the kit itself came to grief.
    if (end === 'broken')
      console.error(`lab ${number} without ${text}: the worker ended by itself`);
    take({
      text,
      notice: end === 'hung' ? `hang: nothing for ${Math.round(limit)} s` : null,
    });
  } while (run.seen.length < texts.length);
  await recover();
  return run;
}

/**
 * Whether the worker came to its end, was stopped because it hung, or ended in the middle; `take`
 * says how many seconds may pass until the next report.
 */
async function runWorker(
  number: string,
  from: number,
  take: (report: Report) => number,
): Promise<'done' | 'hung' | 'broken'> {
  const worker = fork(WORKER, [number, String(from)]);
  let hung = false;
  const giveUp = () => {
    hung = true;
    worker.kill('SIGKILL');
  };
  let timer = setTimeout(giveUp, FIRST_SECONDS * 1000);
  worker.on('message', (report: Report) => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, take(report) * 1000);
  });
  const [code] = await once(worker, 'exit');
  clearTimeout(timer);
  if (code === 0) return 'done';
  return hung ? 'hung' : 'broken';
}

function formatResult({ lab, text, notice, excuse, verdict }: Judged) {
  const mark = isGood(verdict) ? styleText('green', '✓') : styleText('red', '✗');
  const about = {
    noticed: notice,
    excused: styleText('dim', `unobservable: ${excuse}`),
    unnoticed: styleText('red', 'nothing notices'),
    'excused but noticed': styleText('red', `unobservable, it says, but noticed: ${notice}`),
    'excused but absent': styleText('red', 'unobservable, it says, but there is no such mutant'),
  }[verdict];
  const shown = text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text.padEnd(WIDTH);
  return `${mark} ${lab}  ${shown}  ${about}`;
}

function formatCounts(results: readonly { verdict: Verdict }[]): string {
  const count = (verdict: Verdict) => results.filter((each) => each.verdict === verdict).length;
  const wrong = results.length - count('noticed') - count('excused');
  return `${results.length} mutants: ${count('noticed')} noticed, ${count('excused')} unobservable, ${wrong} wrong`;
}
