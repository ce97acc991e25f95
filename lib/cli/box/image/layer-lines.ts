/**
 * What is shown of layers on their way: at a terminal a line for each, which changes; elsewhere a line
 * for what begins and what is done.
 */
import type { LayerProgress, LayerState, OnProgress } from '../../../image/transfer/progress.ts';
import { openLiveLines } from '../../output/live-lines.ts';
import { formatSize, shortId } from '../../output/units.ts';

type Words = Partial<Record<LayerState, string>>;

export const PULLING: Words = {
  present: 'Already exists',
  waiting: 'Waiting',
  fetching: 'Downloading',
  unpacking: 'Extracting',
  retrying: 'Retrying',
  done: 'Pull complete',
};

export const PUSHING: Words = {
  present: 'Layer already exists',
  mounted: 'Mounted from another repository',
  waiting: 'Waiting',
  uploading: 'Pushing',
  writing: 'Preparing',
  retrying: 'Retrying',
  done: 'Pushed',
};

export const LOADING: Words = {
  ...PULLING,
  present: 'Already exists',
  fetching: 'Loading',
  done: 'Loaded',
};

/** What is told where lines do not change. */
const MOMENTS: readonly LayerState[] = ['present', 'mounted', 'retrying', 'done'];
const MOVING: readonly LayerState[] = ['fetching', 'uploading', 'writing'];
/** Milliseconds between two changes of a line in which only the bytes are new. */
const PAUSE = 100;

export function showLayers(words: Words, output: NodeJS.WriteStream = process.stdout): OnProgress {
  const textOf = ({ digest, state, bytes, size, reason }: LayerProgress) => {
    const moved = size === null ? formatSize(bytes) : `${formatSize(bytes)}/${formatSize(size)}`;
    const detail = reason ?? (MOVING.includes(state) ? moved : '');
    return `${shortId(digest)}: ${words[state] ?? state} ${detail}`.trimEnd();
  };
  if (!output.isTTY) {
    return (progress) => {
      if (MOMENTS.includes(progress.state)) output.write(`${textOf(progress)}\n`);
    };
  }
  const lines = openLiveLines(output);
  const last = new Map<string, { state: LayerState; time: number }>();
  return (progress) => {
    const key = `${progress.layer} ${progress.digest}`;
    const before = last.get(key);
    const time = performance.now();
    if (before?.state === progress.state && time - before.time < PAUSE) return;
    last.set(key, { state: progress.state, time });
    lines.set(key, textOf(progress));
  };
}
