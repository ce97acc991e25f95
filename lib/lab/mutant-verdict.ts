/**
 * What to think of a lab's mutants. Each has to be noticed, or excused by a sentence of the lab;
 * an excuse for something that is noticed, or that is not there, is as wrong as none.
 */
export interface MutantResult {
  lab: string;
  text: string;
  /** What noticed it, or null. */
  notice: string | null;
  /** The lab's sentence on why nothing could. */
  excuse: string | null;
}

export type Verdict =
  | 'noticed'
  | 'excused'
  | 'unnoticed'
  | 'excused but noticed'
  | 'excused but absent';

export function judgeMutant({ notice, excuse }: MutantResult): Verdict {
  if (notice !== null) return excuse === null ? 'noticed' : 'excused but noticed';
  return excuse === null ? 'unnoticed' : 'excused';
}

export const isGood = (verdict: Verdict): boolean => verdict === 'noticed' || verdict === 'excused';

/** Joins what was seen of each mutant with the lab's excuses; excuses for nothing come last. */
export function judgeLab(
  lab: string,
  seen: readonly { text: string; notice: string | null }[],
  unobservable: Readonly<Record<string, string>>,
): (MutantResult & { verdict: Verdict })[] {
  const judged = seen.map(({ text, notice }) => {
    const result = { lab, text, notice, excuse: unobservable[text] ?? null };
    return { ...result, verdict: judgeMutant(result) };
  });
  const texts = seen.map(({ text }) => text);
  const absent = Object.entries(unobservable).filter(([text]) => !texts.includes(text));
  return [
    ...judged,
    ...absent.map(([text, excuse]) => {
      return { lab, text, notice: null, excuse, verdict: 'excused but absent' as const };
    }),
  ];
}
