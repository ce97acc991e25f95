/**
 * A test that says what it needs of the machine, and is skipped, with the reason printed, where
 * that is missing. Apart from needs.ts, which also runs where vitest is not installed.
 */
import { it } from 'vitest';
import { type Need, needs } from './needs.ts';

/** Like vitest's `it`; `timeout` is in milliseconds. */
export function itNeeds(
  names: Need[],
  claim: string,
  prove: () => void | Promise<void>,
  timeout?: number,
): void {
  it(
    claim,
    async (context) => {
      const { met, reason } = needs(...names);
      if (!met) context.skip(reason);
      await prove();
    },
    timeout,
  );
}
