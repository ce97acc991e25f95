/**
 * One limit as the writes that it takes, and what a file shows when it is in force. Which writes
 * that are is for v1-writes.ts and v2-writes.ts to say.
 */
import type { Limits } from './limits.ts';
import type { CgroupPlan } from './plan.ts';

/** One limit: it can be left out by itself. */
export interface LimitWrite {
  /** The file’s name, and which entry of it where there are several. */
  name: string;
  /** In their order. */
  writes: readonly { path: string; text: string }[];
  /** A line that a file has when it is in force: all of it, or one of several. Null: none has. */
  shows: { path: string; line: string; among: boolean } | { deviceProgramOn: string } | null;
  /** Instead of writes: the policy as a program, in base64. */
  program?: string;
}

/** How one version writes one kind of limit: what it wants, or why it cannot. */
export type Writer<Kind extends keyof Limits> = (
  limit: NonNullable<Limits[Kind]>,
  directory: string,
  plan: CgroupPlan,
) => LimitWrite[];

export type Writers = { [Kind in keyof Required<Limits>]: Writer<Kind> };

/** A write of one file that then shows what was written. */
export const fileWrite = (directory: string, file: string, text: string): LimitWrite => ({
  name: file,
  writes: [{ path: `${directory}/${file}`, text }],
  shows: { path: `${directory}/${file}`, line: text, among: false },
});

/** A write of one entry of a file that has one for each device. */
export const entryWrite = (
  directory: string,
  file: string,
  entry: string,
  text: string,
  line: string = text,
): LimitWrite => ({
  name: `${file} ${entry}`,
  writes: [{ path: `${directory}/${file}`, text }],
  shows: { path: `${directory}/${file}`, line, among: true },
});
