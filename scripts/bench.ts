/**
 * `npm run bench`: how long, how much, and beside whom. Every figure comes from this run; none is a
 * test. `--rounds N` (default 100) launches of each contender, `--launches N` (default 1000) in a
 * row for leaks, `--layer FILE` for a tar to unpack, `--json` for one JSON object.
 */
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { course, numberOf, root } from '../lib/lab/course.ts';
import { ensurePrivileges } from '../lib/lab/rootless.ts';
import { openWorkbench } from '../lib/lab/workbench.ts';
import { benchBuild } from './bench/build.ts';
import { benchImage } from './bench/image.ts';
import { benchLaunch, benchNetwork } from './bench/launch.ts';
import { benchLeaks, benchWaiting } from './bench/leaks.ts';
import { median } from './bench/sample.ts';

const NETWORK_ROUNDS = 20;
const WAITING = 50;
const IMAGE_ROUNDS = 5;
const BUILD_ROUNDS = 10;

const options = readOptions();
await ensurePrivileges();
const report: Record<string, unknown> = { rounds: options.rounds };
const say = (line: string) => {
  if (!options.json) console.log(line);
};
const ms = (value: number) => `${value.toFixed(2)} ms`;

const bench = await openWorkbench({ number: '05' });
try {
  const launch = await benchLaunch(bench, options.rounds);
  report.launch = launch;
  say(`warm launch of \`true\`, median of ${options.rounds}, one Node process`);
  const runc = launch['runc run'];
  for (const [name, value] of Object.entries(launch)) {
    const ratio = runc ? `  ${(value / runc).toFixed(3)} × runc run` : '';
    say(`  ${name.padEnd(24)} ${ms(value).padStart(10)}${ratio}`);
  }
  if (!runc) say('  runc is not installed: no ratio to it');

  const network = await benchNetwork(bench, Math.min(options.rounds, NETWORK_ROUNDS));
  report.network = network;
  say('lab 05 with the host’s half, made and undone with `ip` and `nft`');
  say(`  ${'whole'.padEnd(24)} ${ms(network).padStart(10)}`);

  const waiting = await benchWaiting(bench, WAITING);
  report.waiting = waiting;
  say(`${waiting.count} containers that wait at once, lab 05’s program, for each`);
  say(`  its own process          ${waiting.ownKiB} KiB (${waiting.executable})`);
  say(`  this process has grown   ${waiting.addedKiB} KiB`);
  say(`  processes besides it     ${waiting.addedProcesses}`);

  const leaks = await benchLeaks(bench, options.launches);
  report.leaks = leaks;
  say(`${leaks.launches} launches in a row: ${leaks.failed} failed`);
  for (const kind of ['descriptors', 'mappings', 'zombies'] as const) {
    say(`  ${kind.padEnd(24)} ${leaks.before[kind]} before, ${leaks.after[kind]} after`);
  }
} finally {
  await bench.close();
}

const image = await benchImage(IMAGE_ROUNDS, options.layer);
report.image = image;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
say(`a layer of ${image.entries} entries, ${megabytes(image.bytes)}, unpacked with digest check`);
for (const [name, { ours, tar, ratio }] of [
  [`gzip, ${megabytes(image.gzipBytes)}`, image.gzip],
  ['not compressed', image.plain],
] as const) {
  say(`  ${name.padEnd(24)} ${ours.toFixed(2)} s  ${ratio.toFixed(2)} × tar (${tar.toFixed(2)} s)`);
}
say(`  gzip, into a store       ${image.stored.toFixed(2)} s`);
say(`  peak memory              ${image.peak} MB, ${image.before} MB of it before it began`);
say('an image of it and two small layers, pulled from a registry on loopback');
if (typeof image.pull === 'string') say(`  not compared: ${image.pull}`);
else {
  const { ours, skopeo, umoci, ratio, peak } = image.pull;
  const theirs = `${skopeo.toFixed(2)} s + ${umoci.toFixed(2)} s`;
  say(
    `  into a store             ${ours.toFixed(2)} s  ${ratio.toFixed(2)} × skopeo copy, umoci unpack (${theirs})`,
  );
  say(`  peak memory              ${peak} MB`);
}

const built = await benchBuild(BUILD_ROUNDS);
report.build = built;
say(`a Dockerfile built, median of ${BUILD_ROUNDS}`);
for (const [name, { anew, cached }] of [
  ['FROM and one RUN', built.run],
  ['FROM and two COPY', built.copy],
] as const) {
  say(`  ${name.padEnd(24)} ${ms(anew).padStart(10)}, from the cache ${ms(cached)}`);
}

const labs: Record<string, number> = {};
for (const folder of course) labs[folder] = await timeLab(numberOf(folder));
report.labs = labs;
say('a lab straight through, median of 3, seconds');
for (const [name, value] of Object.entries(labs)) say(`  ${name.padEnd(24)} ${value.toFixed(2)}`);
const total = Object.values(labs).reduce((sum, value) => sum + value, 0);
say(`  ${'all'.padEnd(24)} ${total.toFixed(2)}`);
if (options.json) console.log(JSON.stringify(report));

async function timeLab(number: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const begin = performance.now();
    await execa(process.execPath, [`${root}scripts/lab.ts`, number, '--yes'], { stdin: 'ignore' });
    times.push((performance.now() - begin) / 1000);
  }
  return median(times);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '100' },
        launches: { type: 'string', default: '1000' },
        layer: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [rounds, launches] = [Number(values.rounds), Number(values.launches)];
    if (!(rounds >= 1) || !(launches >= 1)) throw new Error('--rounds and --launches are numbers');
    return { rounds, launches, layer: values.layer, json: values.json };
  } catch (error) {
    console.error(`bench: ${(error as Error).message.split('\n')[0]}`);
    process.exit(2);
  }
}
