/**
 * Runs the mutants of one lab, from one of them on, and tells the process that forked it about
 * each: `{ begin }` before, `{ ended, notice }` after. In a process of its own because a mutant may
 * hang where no timer fires, inside the clone.
 *
 *   node scripts/mutants-worker.ts NUMBER FROM
 */
import { loadLabsUpTo } from '../lib/lab/examine.ts';
import { listMutants } from '../lib/lab/mutants.ts';
import { findNotice } from '../lib/lab/try-mutant.ts';

export type Report =
  /** The lab itself, before the first mutant: what does not hold, or null. */
  | { own: string | null; texts: string[] }
  | { begin: number }
  | { ended: number; notice: string | null };

const [number = '', from = '0'] = process.argv.slice(2);
const report = (message: Report) => process.send?.(message);

const labs = await loadLabsUpTo(number);
const runtime = labs.at(-1)?.runtime;
if (!runtime || !process.connected) throw new Error('mutants-worker is forked by mutants.ts');
const mutants = listMutants(runtime);
if (from === '0') {
  const own = await findNotice(labs, runtime, `lab ${number}`);
  report({ own, texts: mutants.map(({ text }) => text) });
}
for (const [index, { text, module }] of mutants.entries()) {
  if (index < Number(from)) continue;
  report({ begin: index });
  report({ ended: index, notice: await findNotice(labs, module, `lab ${number} without ${text}`) });
}
process.disconnect();
