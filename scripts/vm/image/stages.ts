/** What goes on, one line per stage, with its time once it has ended. */
import type { Say } from './arch.ts';

export interface Stages {
  /** Ends the stage before, and begins another. */
  say: Say;
  /** Ends the last stage. Returns the seconds since the first. */
  end: () => number;
}

export function startStages(write: (text: string) => void, now = () => Date.now()): Stages {
  const first = now();
  let began: number | null = null;
  const seconds = (since: number) => Math.round((now() - since) / 1000);
  const endStage = () => {
    if (began !== null) write(` ${seconds(began)} s\n`);
    began = null;
  };
  return {
    say: (line) => {
      endStage();
      write(`${line} …`);
      began = now();
    },
    end: () => {
      endStage();
      return seconds(first);
    },
  };
}
