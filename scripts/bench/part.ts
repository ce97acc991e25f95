/** What the parts of `npm run bench` are: each measures something, says it in lines, and returns it. */

export interface Settings {
  /** Of each contender. */
  rounds: number;
  /** In a row, for leaks. */
  launches: number;
  /** A tar to unpack in place of the one that is made. */
  layer: string | undefined;
}

export interface Part {
  name: string;
  /** Resolves to the figures, as JSON has them. */
  run(settings: Settings, say: (line: string) => void): Promise<unknown>;
}

export const ms = (value: number): string => `${value.toFixed(2)} ms`;

const WIDTH = 24;

/** A name, and what stands to the right of it. */
export const row = (name: string, text: string): string => `  ${name.padEnd(WIDTH)} ${text}`;

/** A time for each contender, and its ratio to those peers that are among them. */
export function timeRows(times: Readonly<Record<string, number>>, peers: readonly string[]) {
  return Object.entries(times).map(([name, value]) => {
    const ratios = peers.flatMap((peer) => {
      const other = times[peer];
      return other === undefined ? [] : [`${(value / other).toFixed(3)} × ${peer}`];
    });
    return row(name, [ms(value).padStart(10), ...ratios].join('  '));
  });
}
