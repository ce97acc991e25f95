/**
 * `npm run test:vm`: the suite in small virtual machines, one for each cgroup layout, side by side.
 *
 *   npm run test:vm                                    everything, both layouts
 *   npm run test:vm -- --cgroup v1 lib/cgroups         test files of one room, cgroup v1
 *   npm run test:vm -- --cgroup v2 lab:05 mutants:05   a lab and its mutants
 *   npm run test:vm -- --cgroup v2 attacks kills:20    what the runtime is put to; drivers as well
 *   npm run test:vm -- --cgroup v1 --shell             a shell in such a machine
 *
 * Exit codes: 0 all held, 1 not so, 2 wrong usage, 3 this host cannot run them, 130 Ctrl-C.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { course, numberOf } from '../lib/lab/course.ts';
import { InstallError } from './bootstrap/install.mjs';
import { buildForSuite } from './build/for-suite.ts';
import { reportCounts } from './counts.ts';
import type { Result } from './results.ts';
import { DRIVERS, planSuite, type SuitePlan } from './suite-plan.ts';
import { cacheDirectory } from './vm/cache.ts';
import { ensureGuestImage, findAccelerator } from './vm/harness/image.ts';
import { type GuestEnd, type Layout, runGuest } from './vm/harness/qemu.ts';
import { hostArch } from './vm/image/arch.ts';
import { ImageError } from './vm/image/image-error.ts';
import { formatResult, formatTable, total } from './vm/table.ts';

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Not once: with no listener left, the one that execa brings along ends us before we have cleared up.
  process.on(signal, () => interrupt.abort());
}

const PROJECT = resolve(import.meta.dirname, '..');
const LAYOUTS: readonly Layout[] = ['v1', 'v2'];
/** Longer than a test may hang before it is one that failed. */
const SILENCE_SECONDS = 900;
const LOG_LINES = 80;

interface Wanted {
  layouts: readonly Layout[];
  shell: boolean;
  cpus: number;
  memoryMiB: number;
  parts: string[];
  plan: SuitePlan;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const wanted = readArguments(args);
  if (typeof wanted === 'string') {
    console.error(`test:vm: ${wanted}`);
    return 2;
  }
  const arch = hostArch();
  if (arch === null) {
    console.error(`test:vm: there is no guest for ${process.arch}; it runs on x86-64 and arm64`);
    return 3;
  }
  try {
    const image = await ensureGuestImage(
      { arch, engines: wanted.plan.trials.some(({ script }) => script === DRIVERS) },
      (line) => console.log(`test:vm: ${line}`),
      interrupt.signal,
    );
    const accelerator = await findAccelerator();
    if (accelerator === 'tcg')
      console.log('test:vm: KVM does not run here; emulated, about ten times slower');
    const { cpus, memoryMiB } = wanted;
    const common = {
      image,
      arch,
      accelerator,
      project: PROJECT,
      cpus,
      memoryMiB,
      signal: interrupt.signal,
    };
    if (wanted.shell) return await openShell(wanted, common);
    return await runLayouts(wanted, common);
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    if (!(error instanceof ImageError || error instanceof InstallError)) throw error;
    console.error(`test:vm: ${error.message}`);
    return 3;
  }
}

type Common = Pick<
  Parameters<typeof runGuest>[0],
  'image' | 'arch' | 'accelerator' | 'project' | 'cpus' | 'memoryMiB' | 'signal'
>;

async function runLayouts({ layouts, parts, plan }: Wanted, common: Common): Promise<number> {
  const { built, env } = await buildForSuite(plan, PROJECT, (line) =>
    console.log(`test:vm: ${line}`),
  );
  const results = new Map(layouts.map((layout): [string, Result[]] => [layout, []]));
  const alone = layouts.length === 1;
  const ends = await Promise.all(
    layouts.map(async (layout) => {
      let log = '';
      const end = await runGuest({
        ...common,
        layout,
        argv: ['node', 'scripts/bootstrap.mjs', '--dev', 'scripts/suite.ts', ...parts],
        built,
        env: { ...env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
        silenceSeconds: SILENCE_SECONDS,
        onOutput: (text) => {
          log += text;
          if (alone) process.stdout.write(text);
        },
        onResult: (result) => {
          results.get(layout)?.push(result);
          if (!alone) console.log(formatResult(layout, result));
        },
      });
      await tellEnd(layout, end, log, alone);
      return end;
    }),
  );
  if (interrupt.signal.aborted) return 130;
  console.log(formatTable(results));
  const counts = total([...results.values()].flat());
  // A guest that ends badly without a test that failed is a failure of its own.
  const broken = ends.filter(({ exitCode }) => exitCode !== 0).length;
  const failed = counts.failed > 0 ? counts.failed : broken;
  reportCounts({ ...counts, failed });
  return failed > 0 ? 1 : 0;
}

async function tellEnd(layout: Layout, end: GuestEnd, log: string, alone: boolean): Promise<void> {
  const directory = join(cacheDirectory(), 'log');
  await mkdir(directory, { recursive: true });
  const file = join(directory, `test-vm-${layout}.log`);
  await writeFile(file, log);
  console.log(`${layout}: ${end.seconds.toFixed(1)} s, with booting; log: ${file}`);
  if (end.exitCode === 0) return;
  if (!alone) console.log(log.split('\n').slice(-LOG_LINES).join('\n'));
  console.log(`${layout}: ${end.exitCode === null ? end.why : `exit code ${end.exitCode}`}`);
}

async function openShell({ layouts }: Wanted, common: Common): Promise<number> {
  const [layout = 'v2'] = layouts.length === 1 ? layouts : [];
  const { rows = 24, columns = 80, isTTY } = process.stdout;
  if (!isTTY || !process.stdin.isTTY) {
    console.error('test:vm: --shell wants a terminal');
    return 2;
  }
  process.stdin.setRawMode(true);
  try {
    const end = await runGuest({
      ...common,
      layout,
      interactive: true,
      argv: ['bash', '-l'],
      env: { LINES: String(rows), COLUMNS: String(columns), TERM: process.env.TERM ?? 'xterm' },
    });
    if (end.exitCode === null) console.error(end.why);
    return end.exitCode ?? 1;
  } finally {
    process.stdin.setRawMode(false);
  }
}

function readArguments(args: string[]): Wanted | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        cgroup: { type: 'string' },
        shell: { type: 'boolean', default: false },
        cpus: { type: 'string', default: '2' },
        memory: { type: 'string', default: '3072' },
      },
    });
    const layouts = LAYOUTS.filter((layout) =>
      [undefined, layout].includes(values.cgroup as Layout),
    );
    if (layouts.length === 0) return `--cgroup takes v1 or v2, not ${values.cgroup}`;
    const plan = planSuite(positionals, course.map(numberOf));
    if (typeof plan === 'string') return plan;
    const [cpus, memoryMiB] = [Number(values.cpus), Number(values.memory)];
    if (!Number.isInteger(cpus) || cpus < 1) return `--cpus takes a number, not ${values.cpus}`;
    if (!Number.isInteger(memoryMiB) || memoryMiB < 512) {
      return `--memory takes MiB, 512 or more, not ${values.memory}`;
    }
    return { layouts, shell: values.shell, cpus, memoryMiB, parts: positionals, plan };
  } catch (error) {
    return (error as Error).message.split('. ')[0] ?? '';
  }
}
