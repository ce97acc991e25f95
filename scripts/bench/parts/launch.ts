import { openWorkbench } from '../../../lib/lab/workbench.ts';
import { benchLaunch, benchNetwork } from '../launch.ts';
import { benchLeaks, benchWaiting } from '../leaks.ts';
import { ms, type Part, row, timeRows } from '../part.ts';

const NETWORK_ROUNDS = 20;
const WAITING = 50;

/** The launch programs of the labs, from one Node process. */
export const launch: Part = {
  name: 'launch',
  async run({ rounds, launches }, say) {
    const bench = await openWorkbench({ number: '05' });
    try {
      const times = await benchLaunch(bench, rounds);
      say(`warm launch of \`true\`, median of ${rounds}, one Node process`);
      for (const line of timeRows(times, ['runc run'])) say(line);
      if (times['runc run'] === undefined) say('  runc is not installed: no ratio to it');

      const network = await benchNetwork(bench, Math.min(rounds, NETWORK_ROUNDS));
      say('lab 05 with the host’s half, made and undone with `ip` and `nft`');
      say(row('whole', ms(network).padStart(10)));

      const waiting = await benchWaiting(bench, WAITING);
      say(`${waiting.count} containers that wait at once, lab 05’s program, for each`);
      say(row('its own process', `${waiting.ownKiB} KiB (${waiting.executable})`));
      say(row('this process has grown', `${waiting.addedKiB} KiB`));
      say(row('processes besides it', String(waiting.addedProcesses)));

      const leaks = await benchLeaks(bench, launches);
      say(`${leaks.launches} launches in a row: ${leaks.failed} failed`);
      for (const kind of ['descriptors', 'mappings', 'zombies'] as const) {
        say(row(kind, `${leaks.before[kind]} before, ${leaks.after[kind]} after`));
      }
      return { times, network, waiting, leaks };
    } finally {
      await bench.close();
    }
  },
};
