/**
 * Keeps memory flat while much data passes through in chunks. A chunk's bytes lie outside of
 * JavaScript's heap, and V8 lets 60 MB and more of such garbage gather before it looks; asked now and
 * then for a collection of what is young, which takes about a millisecond, there are never more than a
 * few. Where it cannot be asked (another engine), nothing is done.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'minor' }) => void;

const BETWEEN = 8 * 1024 * 1024;

/** Returns what is to be told of every `bytes` that have passed. */
export function createCollector(): (bytes: number) => void {
  let collect: Collect | null | undefined;
  let waiting = 0;
  return (bytes) => {
    waiting += bytes;
    if (waiting < BETWEEN) return;
    waiting = 0;
    if (collect === undefined) collect = findCollect();
    collect?.({ type: 'minor' });
  };
}

/** V8 shows it to contexts that are made after the flag is set. */
function findCollect(): Collect | null {
  setFlagsFromString('--expose-gc');
  return runInNewContext('typeof gc === "function" ? gc : null') as Collect | null;
}
