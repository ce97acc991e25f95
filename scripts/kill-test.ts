/**
 * `npm run test:kill`: labs are killed (SIGKILL, the process alone) at random moments; after each
 * kill `npm run clean` has to bring back the host as it was. The host is what picture.ts sees of
 * it: mounts, namespaces, links, rules, processes, directories. It is a machine of the test's own,
 * in namespaces, where nobody else comes and goes; with `--here` it is this one.
 *
 *   npm run test:kill -- [KILLS] [--seed N] [--here] [--without NN] [--runtime KILLS]
 *
 * Then commands of the OCI runtime are killed, on this machine, `--runtime` of them; after each
 * `delete --force` has to bring back what there was. KILLS of 0 leaves the labs out.
 *
 * Lab 07 is killed only here: the kernel runs a release agent among the real machine's mounts.
 *
 * Exit codes: 0 nothing was left, 1 something was, 2 wrong usage, 3 this host cannot run it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cleanAll } from '../lib/host/clean.ts';
import { course, numberOf, root } from '../lib/lab/course.ts';
import { type Kill, planKills, type TimedLab } from '../lib/lab/kill-plan.ts';
import { labNeeds } from '../lib/lab/lab-needs.ts';
import { needs } from '../lib/observe/needs.ts';
import {
  comparePictures,
  type Difference,
  describeDifference,
  type Picture,
  takePicture,
} from '../lib/observe/picture.ts';
import { reportCounts } from './counts.ts';
import { runOnOwnMachine } from './kill/own-machine.ts';
import { killRuntime } from './kill/runtime-kills.ts';
import { recordResult } from './results.ts';

const KILLS = 100;
/** About a minute; 200 of them are for a person who has time. */
const RUNTIME_KILLS = 40;
/** How long what was ended may take to vanish, in milliseconds. */
const PATIENCE = 5_000;
const MOST_LINES = 10;
const USAGE = 'npm run test:kill -- [KILLS] [--seed N] [--here] [--without NN] [--runtime KILLS]';
/** Whose attack reaches out of namespaces of one's own, and into those of process 1. */
const OF_THE_REAL_MACHINE = '07';

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const given = readArguments(args);
  if (typeof given === 'string') {
    console.error(`test:kill: ${given}; usage: ${USAGE}`);
    return 2;
  }
  const { met, reason } = needs('root', 'ip', 'nft');
  if (!met) {
    console.error(`test:kill: ${reason}`);
    return 3;
  }
  if (!given.here) {
    const labs = given.count === 0 ? 0 : await killLabsApart(given);
    if (labs === 3 || given.runtime === 0) return labs;
    const began = performance.now();
    const { reasons, ...counts } = await killRuntime(given.runtime, given.seed);
    reportCounts(counts);
    const seconds = (performance.now() - began) / 1000;
    recordResult({ test: 'kills of the runtime', ...counts, reasons, seconds });
    return counts.failed === 0 ? labs : 1;
  }
  const unable = await whyUnable();
  if (unable !== null) {
    console.error(`test:kill: ${unable}`);
    return 3;
  }
  // Progress is noted in the learner's directory: not in the real one.
  const my = mkdtempSync(join(tmpdir(), 'unboxed-kill-'));
  try {
    return await killAll(given, my);
  } finally {
    rmSync(my, { recursive: true });
  }
}

/** On a machine of their own; its exit code. */
async function killLabsApart(given: Given): Promise<number> {
  const script = join(root, 'scripts/kill-test.ts');
  const without = [...given.without, OF_THE_REAL_MACHINE].flatMap((lab) => ['--without', lab]);
  const numbers = [String(given.count), '--seed', String(given.seed), ...without];
  const counts = process.env.UNBOXED_COUNTS;
  const kept = counts ? [dirname(resolve(counts))] : [];
  return await runOnOwnMachine([process.execPath, script, ...numbers, '--here'], [root, ...kept]);
}

interface Given {
  count: number;
  seed: number;
  here: boolean;
  /** Numbers of labs. */
  without: string[];
  /** Kills of the OCI runtime's commands. */
  runtime: number;
}

function readArguments(args: string[]): Given | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        here: { type: 'boolean', default: false },
        without: { type: 'string', multiple: true, default: [] },
        runtime: { type: 'string', default: String(RUNTIME_KILLS) },
      },
    });
    const [count = String(KILLS), ...more] = positionals;
    const wrong = [count, values.seed, values.runtime, ...more].find((text) => !/^\d+$/.test(text));
    if (more.length > 0 || wrong !== undefined) return `not a number of kills: ${wrong ?? more[0]}`;
    const { here, without } = values;
    const [kills, seed, runtime] = [count, values.seed, values.runtime].map(Number);
    return { count: kills ?? 0, seed: seed ?? 0, here, without, runtime: runtime ?? 0 };
  } catch (error) {
    return (error as Error).message.split('. ')[0] ?? '';
  }
}

/** Another run would come and go in the pictures. */
async function whyUnable(): Promise<string | null> {
  const { inUse } = await cleanAll({ all: true, keepCache: true });
  const alive = inUse.find(({ pid }) => pid !== null);
  return alive ? `pid ${alive.pid} works with ${alive.name}; wait until it has ended` : null;
}

async function killAll(given: Given, my: string): Promise<number> {
  const labs: TimedLab[] = [];
  // The first run of all fills the cache of root filesystems, which is not to be measured.
  if ((await timeLab(numberOf(course[0]), my)) === null) return 1;
  for (const number of course.map(numberOf)) {
    const { met, reason } = needs(...labNeeds(number));
    if (!met || given.without.includes(number)) {
      console.log(`lab ${number} is left out: ${met ? 'as was asked' : reason}`);
      continue;
    }
    const duration = await timeLab(number, my);
    if (duration === null) return 1;
    labs.push({ number, duration });
  }
  await clean();
  console.log(`${given.count} kills, seed ${given.seed}`);
  const began = performance.now();
  const reasons: string[] = [];
  let before = takePicture();
  let failed = 0;
  for (const kill of planKills(given.count, labs, given.seed)) {
    const how = await killLab(kill, my);
    const cleaned = await clean();
    const { differences, after } = await compareWithPatience(before);
    const good = cleaned && differences.length === 0;
    console.log(`${good ? '✓' : '✗'} lab ${kill.lab} ${how}`);
    for (const line of describe(differences)) console.log(`    ${line}`);
    if (good) continue;
    failed += 1;
    reasons.push(`failed: lab ${kill.lab} ${how}: ${describe(differences).join('; ')}`);
    // What is left now would be found again after every further kill.
    before = after;
  }
  console.log(`${failed} of ${given.count} kills left something behind`);
  const counts = { passed: given.count - failed, failed, skipped: 0 };
  reportCounts(counts);
  recordResult({
    test: 'kills of labs',
    ...counts,
    reasons,
    seconds: (performance.now() - began) / 1000,
  });
  return failed === 0 ? 0 : 1;
}

function describe(differences: readonly Difference[]): string[] {
  const lines = differences.slice(0, MOST_LINES).map(describeDifference);
  const more = differences.length - lines.length;
  return more > 0 ? [...lines, `… ${more} more`] : lines;
}

function startLab(number: string, my: string) {
  return spawn(process.execPath, [join(root, 'scripts/lab.ts'), number, '--yes'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, UNBOXED_MY: my },
  });
}

/** Milliseconds of a whole run, or null, after a message, when it does not pass. */
async function timeLab(number: string, my: string): Promise<number | null> {
  const begun = performance.now();
  const lab = startLab(number, my);
  let said = '';
  lab.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(lab, 'close');
  if (code === 0) return performance.now() - begun;
  console.error(`test:kill: lab ${number} itself ends with ${code}: ${said.trim()}`);
  return null;
}

/** Runs differ in length: where the lab has ended before, once more and somewhat earlier. */
async function killLab({ lab, after }: Kill, my: string): Promise<string> {
  const child = startLab(lab, my);
  child.stderr.resume();
  const ended = once(child, 'exit');
  await Promise.race([sleep(after), ended]);
  const killed = child.kill('SIGKILL');
  await ended;
  return killed ? `killed after ${after} ms` : killLab({ lab, after: Math.floor(after * 0.8) }, my);
}

/** `npm run clean -- --keep-cache`, as a person would; says what it could not do. */
async function clean(): Promise<boolean> {
  const script = join(root, 'scripts/clean.ts');
  const cleaner = spawn(process.execPath, [script, '--keep-cache'], { stdio: 'pipe' });
  let said = '';
  for (const stream of [cleaner.stdout, cleaner.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(cleaner, 'close');
  if (code !== 0) console.log(said.trim());
  return code === 0;
}

/** Ended processes and what they held take a moment to vanish. */
async function compareWithPatience(
  before: Picture,
): Promise<{ differences: Difference[]; after: Picture }> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const after = takePicture();
    const differences = comparePictures(before, after);
    if (differences.length === 0 || performance.now() > until) return { differences, after };
    await sleep(50);
  }
}
