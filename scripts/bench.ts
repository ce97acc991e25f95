/**
 * `npm run bench`: how long, how much, and beside whom. Every figure comes from this run; none is a
 * test.
 *
 *   npm run bench                   all parts
 *   npm run bench -- runtime        launch, runtime, image, build, labs: some of them
 *   --rounds N      of each contender (100)
 *   --launches N    in a row, for leaks (1000)
 *   --layer FILE    a tar to unpack
 *   --json          one JSON object
 */
import { parseArgs } from 'node:util';
import { ensurePrivileges } from '../lib/lab/rootless.ts';
import type { Part, Settings } from './bench/part.ts';
import { build } from './bench/parts/build.ts';
import { image } from './bench/parts/image.ts';
import { labs } from './bench/parts/labs.ts';
import { launch } from './bench/parts/launch.ts';
import { runtime } from './bench/parts/runtime.ts';

const PARTS: readonly Part[] = [launch, runtime, image, build, labs];

const { parts, settings, json } = readOptions();
await ensurePrivileges();
const report: Record<string, unknown> = { rounds: settings.rounds };
const say = (line: string) => {
  if (!json) console.log(line);
};
for (const part of parts) report[part.name] = await part.run(settings, say);
if (json) console.log(JSON.stringify(report));

interface Wanted {
  parts: readonly Part[];
  settings: Settings;
  json: boolean;
}

function readOptions(): Wanted {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '100' },
        launches: { type: 'string', default: '1000' },
        layer: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [rounds, launches] = [Number(values.rounds), Number(values.launches)];
    if (!(rounds >= 1) || !(launches >= 1)) throw new Error('--rounds and --launches are numbers');
    const known = PARTS.map(({ name }) => name);
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`${unknown} is not one of ${known.join(', ')}`);
    const parts = PARTS.filter(
      ({ name }) => positionals.length === 0 || positionals.includes(name),
    );
    return { parts, settings: { rounds, launches, layer: values.layer }, json: values.json };
  } catch (error) {
    console.error(`bench: ${(error as Error).message.split('\n')[0]}`);
    process.exit(2);
  }
}
