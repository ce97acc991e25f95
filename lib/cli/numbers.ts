/**
 * Numbers on the command line.
 */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is not a whole number.');
}

/** For an option that may be given more than once. */
export const collect = (text: string, before: string[]): string[] => [...before, text];
