/**
 * Timing: how long something took, many times, as a median. Two things that are compared are run in
 * turn, A B A B …, so that a machine that slows down slows both.
 */

/** Milliseconds of `run`, once. */
async function time(run: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await run();
  return performance.now() - begin;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Median milliseconds of each contender over `rounds` rounds, after one that is not counted. */
export async function compareTimes(
  contenders: Readonly<Record<string, () => Promise<void>>>,
  rounds: number,
): Promise<Record<string, number>> {
  const names = Object.keys(contenders);
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const taken = await time(contenders[name] ?? (async () => {}));
      if (round >= 0) times.get(name)?.push(taken);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])]));
}
