/**
 * Lists of processors and memory nodes as the kernel writes them: `0-2,5`.
 * cpuset(7), "List format"
 */

/** The numbers, in order, each once. Throws SyntaxError. */
export function parseCpuList(text: string): number[] {
  const numbers = new Set<number>();
  for (const part of text.trim().split(',').filter(Boolean)) {
    const [, first = '', last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (first === '' || Number(last) < Number(first)) {
      throw new SyntaxError(`${JSON.stringify(text)} is no list like 0-2,5`);
    }
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** As the kernel prints it: runs of two and more as a range. */
export function formatCpuList(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
}
