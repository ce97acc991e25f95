import { ms, type Part, row, timeRows } from '../part.ts';
import {
  benchCold,
  benchCreated,
  benchCrowd,
  benchPeaks,
  benchPodman,
  benchRuns,
  benchWarm,
  openRuntimeBench,
} from '../runtime.ts';

const PODMAN_ROUNDS = 10;
const CROWD = 200;

const PEERS = ['crun run', 'runc run'];

/** The OCI runtime: what an engine pays for a container. */
export const runtime: Part = {
  name: 'runtime',
  async run({ rounds, launches }, say) {
    using bench = await openRuntimeBench();
    const cold = await benchCold(bench, rounds);
    say(`a bundle with \`true\`, run by a command, median of ${rounds}`);
    for (const line of timeRows(cold, PEERS)) say(line);

    const warm = await benchWarm(bench, rounds);
    say(`the same bundle from a process that is there already, median of ${rounds}`);
    for (const line of timeRows(warm, PEERS)) say(line);

    const podman = await benchPodman(bench, Math.min(rounds, PODMAN_ROUNDS));
    say('`podman run --rm`');
    if (podman === null) say('  podman or conmon is not installed');
    for (const line of timeRows(podman ?? {}, ['podman on runc'])) say(line);

    const peaks = await benchPeaks(bench);
    say('most memory of a command');
    if (peaks === null) say('  GNU time is not installed');
    for (const [name, kib] of Object.entries(peaks ?? {})) say(row(name, `${kib} KiB`));

    const created = await benchCreated(bench);
    say('a container that waits for its start');
    for (const [name, kib] of Object.entries(created)) say(row(name, `${kib} KiB`));

    const crowd = await benchCrowd(bench, CROWD);
    const { first, last, quarterAtOnce, allAtOnce } = crowd;
    say(`${CROWD} containers that all run, for each start`);
    const flat = (from: number, to: number) =>
      `${ms(from)}, then ${ms(to)}: ${(to / from).toFixed(2)} ×`;
    say(row('first and last quarter', flat(first, last)));
    say(row('a quarter, all at once', flat(quarterAtOnce, allAtOnce)));

    const runs = await benchRuns(bench, launches);
    say(`${launches} times run and deleted, from one process`);
    for (const [kind, before] of Object.entries(runs.before)) {
      say(row(kind, `${before} before, ${runs.after[kind as keyof typeof runs.after]} after`));
    }
    return { cold, warm, podman, peaks, created, crowd, runs };
  },
};
