/**
 * `npm run test:drivers`: podman, containerd, dockerd and a swarm of one node, each set up with the
 * lines that the README shows, run one list of cases on dist/box-runtime, which is built first. The
 * engines are started for it, on a machine of the test's own, in namespaces, and end with it.
 *
 *   npm run test:drivers -- [ENGINE …] [--runtime PATH] [--case WORDS]
 *
 * With `--runtime` another runtime is held to the same, to compare; with `--case` only the cases that
 * have the words in their name. Exit codes: 0 all held, 1 not so, 2 wrong usage, 3 this host cannot
 * run it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { root } from '../lib/lab/course.ts';
import { needs } from '../lib/observe/needs.ts';
import { buildExecutables } from './build/executables.ts';
import { reportCounts } from './counts.ts';
import type { Case } from './drivers/case.ts';
import { cases } from './drivers/cases.ts';
import { containerd } from './drivers/containerd.ts';
import { docker } from './drivers/docker.ts';
import type { Bench, Column } from './drivers/engine.ts';
import { IMAGE, makeArchive } from './drivers/image.ts';
import { writeApart } from './drivers/own-files.ts';
import { podman } from './drivers/podman.ts';
import { blockFor, lineOf, readReadme } from './drivers/readme.ts';
import { countOutcomes, formatReport, linesOf } from './drivers/report.ts';
import { swarm } from './drivers/swarm.ts';
import { removeTraces, topDirectories } from './drivers/traces.ts';
import { type Tried, tryColumn } from './drivers/try-column.ts';
import { runOnOwnMachine } from './kill/own-machine.ts';
import { recordResult } from './results.ts';

/** At once; one after the other those of a lane, of which the second wants the first's bridge. */
const LANES: readonly (readonly Column[])[] = [
  [podman, containerd],
  [docker, swarm],
];
const COLUMNS = LANES.flat();
const USAGE = 'npm run test:drivers -- [ENGINE …] [--runtime PATH] [--case WORDS]';
/** As the README says. */
const PLACE = '/usr/local/bin/box-runtime';

process.exitCode = await main(process.argv.slice(2));

interface Given {
  columns: readonly Column[];
  runtime: string | null;
  /** Words of `--case`, and the cases that have them. */
  words: string;
  chosen: readonly Case[];
  here: boolean;
}

async function main(args: string[]): Promise<number> {
  const given = readArguments(args);
  if (typeof given === 'string') {
    console.error(`test:drivers: ${given}; usage: ${USAGE}`);
    return 2;
  }
  const { met, reason } = needs('root', 'ip', 'overlay');
  if (!met) {
    console.error(`test:drivers: ${reason}`);
    return 3;
  }
  return given.here ? await testHere(given) : await testOnOwnMachine(given);
}

function readArguments(args: string[]): Given | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        runtime: { type: 'string' },
        case: { type: 'string', default: '' },
        here: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.find((name) => !COLUMNS.some((column) => column.name === name));
    if (unknown !== undefined) {
      return `${unknown} is none of ${COLUMNS.map(({ name }) => name).join(', ')}`;
    }
    const columns = COLUMNS.filter(
      ({ name }) => positionals.length === 0 || positionals.includes(name),
    );
    const runtime = values.runtime === undefined ? null : resolve(values.runtime);
    if (runtime && !existsSync(runtime)) return `${runtime}: no such file`;
    const words = values.case;
    const chosen = cases.filter(({ name }) => name.includes(words));
    if (chosen.length === 0) return `no case has "${words}" in its name`;
    return { columns, runtime, words, chosen, here: values.here };
  } catch (error) {
    return (error as Error).message.split('. ')[0] ?? '';
  }
}

async function testOnOwnMachine({ columns, runtime, words }: Given): Promise<number> {
  let failed = 0;
  if (runtime === null) {
    await buildExecutables(root, (line) => console.error(`unboxed: ${line}`));
    const { exitCode } = await execa(process.execPath, [join(root, 'scripts/test.ts'), 'lib/cli'], {
      stdio: 'inherit',
      reject: false,
    });
    failed = exitCode === 0 ? 0 : 1;
  }
  const counts = process.env.UNBOXED_COUNTS;
  const kept = counts ? [dirname(resolve(counts))] : [];
  const script = join(root, 'scripts/test-drivers.ts');
  const tested = runtime ?? join(root, 'dist/box-runtime');
  const argv = [...columns.map(({ name }) => name), '--runtime', tested, '--case', words, '--here'];
  const before = topDirectories();
  const cgroup = cgroupOf(process.pid);
  try {
    process.env.UNBOXED_DRIVERS_CGROUP = cgroup;
    const code = await runOnOwnMachine([process.execPath, script, ...argv], [root, ...kept]);
    return Math.max(code, failed);
  } finally {
    await removeTraces(cgroup, before);
  }
}

function cgroupOf(pid: number): string {
  return `/unboxed-drivers-${pid}`;
}

async function testHere({ columns, runtime, chosen }: Given): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'drivers-'));
  for (const path of ['/etc', dirname(PLACE)]) writeApart(path, directory);
  rmSync(PLACE, { force: true });
  symlinkSync(runtime ?? '', PLACE);
  const archive = await makeArchive(directory);
  const tried = await Promise.all(
    LANES.map(async (lane) => {
      const all: Tried[] = [];
      for (const column of lane.filter((one) => columns.includes(one))) {
        const bench = benchFor(archive, join(directory, column.name));
        const began = performance.now();
        const one = await tryColumn(column, chosen, bench);
        all.push(one);
        recordResult({
          test: `driven by ${one.name}`,
          ...countOutcomes(new Map([[one.name, one.outcomes]])),
          reasons: linesOf(one.outcomes),
          seconds: (performance.now() - began) / 1000,
        });
      }
      return all;
    }),
  );
  const found = new Map(tried.flat().map(({ name, outcomes }) => [name, outcomes]));
  console.log(
    formatReport(
      chosen.map(({ name }) => name),
      found,
    ),
  );
  const counts = countOutcomes(found);
  reportCounts(counts);
  return counts.failed === 0 ? 0 : 1;
}

function benchFor(archive: string, directory: string): Bench {
  const readme = readReadme(root);
  return {
    runtime: PLACE,
    directory,
    archive,
    image: IMAGE,
    cgroup: process.env.UNBOXED_DRIVERS_CGROUP ?? cgroupOf(process.pid),
    configure: (file, before = '') => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, before + blockFor(file, readme));
    },
    line: (words) => lineOf(words, readme),
  };
}
