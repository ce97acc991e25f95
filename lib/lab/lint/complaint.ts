/** Something that a rule of the course does not allow, and where it stands. */
export interface Complaint {
  /** From the repository's root. */
  file: string;
  /** From 1; undefined where the whole file is meant, or something that it lacks. */
  line?: number | undefined;
  problem: string;
}

export const describeComplaint = ({ file, line, problem }: Complaint): string =>
  `${file}${line === undefined ? '' : `:${line}`}: ${problem}`;
