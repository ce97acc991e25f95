/**
 * A filter as a tree: questions about the system call, and answers. Leaves and branches that are
 * the same object are one piece of the program; assemble.ts makes it.
 */

/** Bytes from the start of linux/seccomp.h `struct seccomp_data`. */
export const NR = 0;
export const ARCH = 4;
const ARGS = 16;
export const lowHalf = (argument: number) => ARGS + 8 * argument;
export const highHalf = (argument: number) => ARGS + 8 * argument + 4;

export type Decision = Answer | Question;

export interface Answer {
  /** The word that the kernel acts on. */
  answer: number;
}

export interface Question {
  /** Which 32-bit word of seccomp_data. */
  load: number;
  /** Applied to it before it is compared. */
  mask?: number;
  is: 'equal' | 'greater' | 'at-least';
  value: number;
  yes: Decision;
  no: Decision;
}

/** One object for one answer, so that the program has it once. */
export function answers(): (word: number) => Answer {
  const known = new Map<number, Answer>();
  return (word) => {
    const answer = known.get(word) ?? { answer: word };
    known.set(word, answer);
    return answer;
  };
}
