/**
 * Which labs are killed when: all of them in turn, each time at another moment of its run. The
 * moments are random and can be had again from the seed, so that a kill that left something behind
 * can be repeated.
 */
export interface Kill {
  /** The lab's number. */
  lab: string;
  /** Milliseconds after its start. */
  after: number;
}

export interface TimedLab {
  number: string;
  /** Milliseconds that a whole run takes. */
  duration: number;
}

/** `count` kills, evenly over `labs`. Pure: the same seed gives the same plan. */
export function planKills(count: number, labs: readonly TimedLab[], seed: number): Kill[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const lab = labs[i % labs.length];
    if (!lab) throw new RangeError('no labs to kill');
    return { lab: lab.number, after: Math.floor(random() * lab.duration) };
  });
}

/** Numbers from 0 up to 1, by the generator "mulberry32": short, and the same everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
