/**
 * How the outcome of a lab is told: a check that held in one line; one that did not with all that
 * helps to find out why; attacks as a table of before and after; and one line that sums up.
 */
import type { Finding } from './finding.ts';
import type { Paint } from './render-paint.ts';
import { columnsOf, wrap } from './render-wrap.ts';

export interface AttackOutcome {
  name: string;
  title: string;
  /** The runtime that was attacked, for instance `lab 02`. */
  runtime: string;
  /** Should it have succeeded? */
  expected: boolean;
  /** Did it? Null when it could not be carried out; `seen` says why. */
  succeeded: boolean | null;
  seen: string;
  where: string;
}

export const asExpected = ({ expected, succeeded }: AttackOutcome) => expected === succeeded;

/** Aligned `name  text` lines under a headline. */
function explainFailure(
  rows: readonly (readonly [string, string | undefined])[],
  { paint, width }: { paint: Paint; width: number },
): string[] {
  const given = rows.filter(([, text]) => text !== undefined && text !== '');
  const room = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, text = '']) => {
    const head = `    ${name.padEnd(room)}  `;
    const body = text.split('\n').map((line, i) => {
      const margin = ' '.repeat(head.length);
      return wrap(line, width, i === 0 ? head : margin, margin);
    });
    return body.join('\n').replace(name, paint('dim', name));
  });
}

export interface ReportStyle {
  paint: Paint;
  width: number;
}

export function formatFinding(finding: Finding, style: ReportStyle): string {
  const { claim, held, expected, seen, where, hint } = finding;
  const { paint, width } = style;
  if (held) {
    const line = `${paint('green', '✓')} ${claim}  ${paint('dim', where)}`;
    return columnsOf(line) <= width ? line : wrap(line, width, '', '    ');
  }
  const rows = [
    ['expected', expected],
    ['seen', seen],
    ['where', where],
    ['hint', hint],
  ] as const;
  return [wrap(`${paint('red', '✗')} ${claim}`, width), ...explainFailure(rows, style)].join('\n');
}

/** All attacks of a lab, at least one: a line for each, a column for each runtime. */
export function formatAttacks(outcomes: readonly AttackOutcome[], style: ReportStyle): string {
  const { paint, width } = style;
  const runtimes = [...new Set(outcomes.map(({ runtime }) => runtime))];
  const names = [...new Set(outcomes.map(({ name }) => name))];
  const find = (name: string, runtime: string) =>
    outcomes.find((each) => each.name === name && each.runtime === runtime);
  const word = (outcome: AttackOutcome | undefined) => {
    if (!outcome) return '';
    const text = { true: 'succeeds', false: 'fails', null: 'broke' }[String(outcome.succeeded)];
    return asExpected(outcome) ? `${text} ✓` : `${text} ✗`;
  };
  const room = runtimes.map((runtime) => Math.max(runtime.length, 'succeeds ✓'.length));
  const titles = outcomes.map(({ title }) => columnsOf(title));
  const most = Math.max(20, width - room.reduce((sum, each) => sum + each + 3, 0));
  const left = Math.min(most, Math.max(...titles, 'attack'.length));
  const lines = names.map((name) => {
    const title = outcomes.find((each) => each.name === name)?.title ?? name;
    const [first = '', ...rest] = wrap(title, left).split('\n');
    const cells = runtimes.map((runtime, i) => {
      const outcome = find(name, runtime);
      const color = outcome && !asExpected(outcome) ? 'red' : 'green';
      return paint(color, word(outcome).padEnd(room[i] ?? 0));
    });
    const head = first + ' '.repeat(Math.max(0, left - columnsOf(first)));
    return [`${head}   ${cells.join('   ').trimEnd()}`, ...rest].join('\n');
  });
  const heads = runtimes.map((runtime, i) => runtime.padEnd(room[i] ?? 0)).join('   ');
  const header = paint('dim', `${'attack'.padEnd(left)}   ${heads}`.trimEnd());
  const others = outcomes.filter((each) => !asExpected(each));
  return [header, ...lines, ...others.map((each) => formatSurprise(each, style))].join('\n');
}

function formatSurprise(outcome: AttackOutcome, style: ReportStyle): string {
  const { title, runtime, expected, seen, where } = outcome;
  const headline = `${style.paint('red', '✗')} ${title}, against ${runtime}`;
  const rows = [
    ['expected', expected ? 'it succeeds' : 'it fails'],
    ['seen', seen],
    ['where', where],
  ] as const;
  return ['', wrap(headline, style.width), ...explainFailure(rows, style)].join('\n');
}

export interface Summary {
  /** `lab 03`. */
  name: string;
  checks: { held: number; failed: number };
  attacks: { asExpected: number; otherwise: number };
  seconds: number;
}

export const allHeld = ({ checks, attacks }: Summary) =>
  checks.failed === 0 && attacks.otherwise === 0;

/** `lab 03: 9 checks held, 2 attacks as expected (1.2 s)` */
export function formatSummary(summary: Summary, paint: Paint): string {
  const { name, checks, attacks, seconds } = summary;
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  const parts = [
    ...(checks.held || checks.failed ? [`${count(checks.held, 'check')} held`] : []),
    ...(checks.failed ? [`${checks.failed} did not`] : []),
    ...(attacks.asExpected || attacks.otherwise
      ? [`${count(attacks.asExpected, 'attack')} as expected`]
      : []),
    ...(attacks.otherwise ? [`${attacks.otherwise} not`] : []),
  ];
  const line = `${name}: ${parts.join(', ') || 'done'} (${seconds.toFixed(1)} s)`;
  return paint(['bold', allHeld(summary) ? 'green' : 'red'], line);
}
