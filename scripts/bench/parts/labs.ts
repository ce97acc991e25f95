import { execa } from 'execa';
import { course, numberOf, root } from '../../../lib/lab/course.ts';
import { type Part, row } from '../part.ts';
import { median } from '../sample.ts';

const ROUNDS = 3;

/** Every lab straight through; one that cannot run here is null. */
export const labs: Part = {
  name: 'labs',
  async run(_, say) {
    say(`a lab straight through, median of ${ROUNDS}, seconds`);
    const figures: Record<string, number | null> = {};
    for (const folder of course) {
      const taken = await timeLab(numberOf(folder));
      figures[folder] = taken;
      say(row(folder, taken === null ? 'does not run on this host' : taken.toFixed(2)));
    }
    const total = Object.values(figures).reduce<number>((sum, value) => sum + (value ?? 0), 0);
    say(row('all', total.toFixed(2)));
    return figures;
  },
};

/** Exit code 3: this host cannot run it. Throws where it does not hold. */
async function timeLab(number: string): Promise<number | null> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const begin = performance.now();
    const { exitCode, stderr } = await execa(
      process.execPath,
      [`${root}scripts/lab.ts`, number, '--yes'],
      { stdin: 'ignore', reject: false },
    );
    if (exitCode === 3) return null;
    if (exitCode !== 0) throw new Error(`lab ${number} ended with ${exitCode}: ${stderr}`);
    times.push((performance.now() - begin) / 1000);
  }
  return median(times);
}
