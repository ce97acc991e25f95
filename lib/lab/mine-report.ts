/**
 * What a run of the learner's runtime prints: each check and attack with the lab that it is of,
 * and a line that sums up. With `--json` the same as one object a line.
 */
import type { Evidence } from './examine.ts';
import { painter } from './render-paint.ts';
import { allHeld, formatFinding, formatSummary, type ReportStyle, type Summary } from './report.ts';
import { inColour } from './runtime-diff.ts';

export type MineEvent =
  | { event: 'note'; text: string }
  | { event: 'check' | 'attack'; good: boolean; evidence: Evidence }
  | { event: 'done'; summary: Summary };

const WIDEST = 100;

export function printMineEvent(event: MineEvent, json: boolean): void {
  const width = Math.min(process.stdout.columns ?? WIDEST, WIDEST);
  const style = { width, paint: painter(inColour(process.stdout)) };
  console.log(json ? formatJson(event) : formatText(event, style));
}

function formatJson(event: MineEvent): string {
  if (event.event === 'note') return JSON.stringify(event);
  if (event.event === 'done') {
    return JSON.stringify({ event: 'done', held: allHeld(event.summary), ...event.summary });
  }
  const { evidence, good } = event;
  const { kind, ...rest } = evidence;
  if (evidence.kind === 'check') {
    return JSON.stringify({ event: kind, lab: evidence.lab, ...evidence.finding });
  }
  return JSON.stringify({ event: kind, ...rest, asExpected: good });
}

function formatText(event: MineEvent, style: ReportStyle): string {
  if (event.event === 'note') return event.text;
  if (event.event === 'done') return formatSummary(event.summary, style.paint);
  const { evidence, good } = event;
  if (evidence.kind === 'check') {
    const { lab, finding } = evidence;
    return formatFinding({ ...finding, claim: `${lab}: ${finding.claim}` }, style);
  }
  const { lab, title, succeeded, expected, stoppedBy, seen, where } = evidence;
  const still = succeeded && expected ? ` (lab ${stoppedBy} stops it)` : '';
  return formatFinding(
    {
      claim: `${lab}: attack ${succeeded ? 'succeeds' : 'fails'}: ${title}${still}`,
      held: good,
      expected: 'it fails',
      seen,
      where,
    },
    style,
  );
}
