/**
 * `npm run test:vagrant`: the suite in the two Vagrant machines, which are made for it and removed
 * afterwards; those of `npm run vm` are left alone.
 *
 *   npm run test:vagrant                          everything, cgroup v2 and v1
 *   npm run test:vagrant -- --cgroup v1           one machine
 *   npm run test:vagrant -- lib/network lab:05    parts, named as test:vm names them
 *   npm run test:vagrant -- provision             the provisioning alone, from a registry of its own
 *
 * Exit codes: 0 all held, 1 not so, 2 wrong usage, 3 this host cannot run them, 130 Ctrl-C.
 */
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { course, numberOf } from '../lib/lab/course.ts';
import { InstallError } from './bootstrap/install.mjs';
import { buildForSuite } from './build/for-suite.ts';
import { reportCounts } from './counts.ts';
import type { Result } from './results.ts';
import { planSuite, type SuitePlan } from './suite-plan.ts';
import { cacheDirectory } from './vm/cache.ts';
import { destroy } from './vm/down.ts';
import { MACHINES, type Machine, PROJECT } from './vm/machines.ts';
import { checkProvisioning } from './vm/provision-check.ts';
import { type Guest, readGuest, runInVm } from './vm/ssh.ts';
import { formatResult, formatTable, total } from './vm/table.ts';
import { takeTurn } from './vm/turn.ts';
import { bringUp } from './vm/up.ts';
import { VmError } from './vm/vm-error.ts';

/** Where the machines are known, and what they said. */
const OWN = join(cacheDirectory(), 'test-vagrant');
const RESULTS = '/var/log/unboxed-results';
/** What the suite's labs note as done: not where a learner's files meet those of the host. */
const THEIR_MY = '/var/lib/unboxed-my';
const POLL_MS = 5000;

interface Wanted {
  machines: readonly Machine[];
  /** Of the suite, all where it is empty; null leaves it out. */
  parts: string[] | null;
  plan: SuitePlan;
  provision: boolean;
}

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupt.abort(new VmError('stopped')));
}

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const wanted = readArguments(args);
  if (typeof wanted === 'string') return complain(wanted, 2);
  mkdirSync(OWN, { recursive: true });
  process.env.VAGRANT_DOTFILE_PATH = join(OWN, 'state');
  // Nothing of the learner's goes in, and nothing comes out.
  process.env.UNBOXED_MY = join(OWN, 'my');
  const onBusy = (pids: number[]) => say(`waiting for pid ${pids.join(', ')} to end`);
  const turn = await takeTurn(OWN, onBusy, interrupt.signal).catch(() => null);
  if (!turn) return complain('stopped', 130);
  try {
    // A run that was killed has left them.
    await destroy(() => {}, interrupt.signal);
    return await runAll(wanted);
  } catch (error) {
    if (interrupt.signal.aborted) return complain('stopped', 130);
    if (!(error instanceof VmError || error instanceof InstallError)) throw error;
    return complain(error.message, error.exitCode);
  } finally {
    await destroy(say, new AbortController().signal);
    turn.release();
  }
}

async function runAll({ machines, parts, plan, provision }: Wanted): Promise<number> {
  const results = new Map(machines.map((machine): [string, Result[]] => [machine, []]));
  // Before the project is copied into them.
  const { env } = parts ? await buildForSuite(plan, PROJECT, say) : { env: {} };
  // One is tested while the next comes up: what takes the time then is mostly waiting.
  const runs: Promise<boolean>[] = [];
  try {
    for (const machine of machines) {
      const guest = await bringUp(machine, say, interrupt.signal);
      const take = (result: Result) => {
        results.get(machine)?.push(result);
        console.log(formatResult(machine, result));
      };
      // One machine is enough: cgroups have nothing to do with it.
      const provisions = provision && machine === machines[0];
      runs.push(runParts(guest, { parts, env, provisions, take }));
    }
  } finally {
    await Promise.allSettled(runs);
  }
  const ends = await Promise.all(runs);
  interrupt.signal.throwIfAborted();
  console.log(formatTable(results));
  const counts = total([...results.values()].flat());
  // A suite that ends badly without a test that failed is a failure of its own.
  const failed = counts.failed || ends.filter((held) => !held).length;
  reportCounts({ ...counts, failed });
  return failed > 0 ? 1 : 0;
}

async function runParts(
  guest: Guest,
  run: {
    parts: string[] | null;
    env: Readonly<Record<string, string>>;
    provisions: boolean;
    take: (result: Result) => void;
  },
): Promise<boolean> {
  const held = run.parts === null || (await runSuite(guest, { ...run, parts: run.parts }));
  if (!run.provisions || interrupt.signal.aborted) return held;
  const result = await checkProvisioning(guest, interrupt.signal);
  run.take(result);
  return held && result.failed === 0;
}

/** Hands each result on as it comes; resolves to whether all held. */
async function runSuite(
  guest: Guest,
  run: {
    parts: readonly string[];
    env: Readonly<Record<string, string>>;
    take: (result: Result) => void;
  },
): Promise<boolean> {
  const { parts, take } = run;
  const log = join(OWN, `suite-${guest.machine}.log`);
  const output = openSync(log, 'w');
  const began = Date.now();
  const argv = ['node', 'scripts/bootstrap.mjs', '--dev', 'scripts/suite.ts', ...parts];
  let over = false;
  let seen = 0;
  const look = async () => {
    const text = await readGuest(guest, `cat ${RESULTS} 2>/dev/null || true`);
    // The last line may still be written.
    const lines = text.split('\n').slice(0, text.endsWith('\n') || over ? undefined : -1);
    for (const line of lines.slice(seen)) if (line !== '') take(JSON.parse(line));
    seen = lines.filter((line) => line !== '').length;
  };
  const following = (async () => {
    while (!over) {
      await sleep(POLL_MS);
      // A guest that is too busy to answer is asked again.
      if (!over) await look().catch(() => {});
    }
  })();
  try {
    const env = { ...run.env, UNBOXED_RESULTS: RESULTS, UNBOXED_MY: THEIR_MY };
    const exitCode = await runInVm(guest, argv, {
      env,
      tty: false,
      stdio: ['ignore', output, output],
    });
    over = true;
    await following;
    await look();
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    say(`${guest.machine}: the suite ended with ${exitCode} after ${seconds} s; log: ${log}`);
    return exitCode === 0;
  } catch (error) {
    over = true;
    if (!interrupt.signal.aborted) say(`${guest.machine}: ${(error as Error).message}`);
    return false;
  }
}

function readArguments(args: string[]): Wanted | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { cgroup: { type: 'string', multiple: true } },
    });
    const wrong = values.cgroup?.find((each) => !MACHINES.some((machine) => machine === each));
    if (wrong !== undefined) return `--cgroup ${wrong}: it is v1 or v2`;
    const words = positionals.filter((word) => word !== 'provision');
    const plan = planSuite(words, course.map(numberOf));
    if (typeof plan === 'string') return plan;
    const machines = MACHINES.filter((each) => values.cgroup?.includes(each) ?? true);
    const all = positionals.length === 0;
    const provision = all || words.length < positionals.length;
    return { machines, parts: all || words.length > 0 ? words : null, plan, provision };
  } catch (error) {
    return (error as Error).message.split('. ')[0] ?? '';
  }
}

function say(line: string): void {
  console.error(`test:vagrant: ${line}`);
}

function complain(line: string, exitCode: number): number {
  say(line);
  return exitCode;
}
