/**
 * The commands that look: list, ps, events; and spec, which writes a configuration to begin with.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { exampleSpec, rootlessSpec } from '../../oci/example.ts';
import { oomKillsOf, statisticsOf } from '../../oci/life/events.ts';
import { type Listed, listed } from '../../oci/life/list.ts';
import { processesOf, tabulate } from '../../oci/life/ps.ts';
import { listContainers, load, pathsOf, readStored, statusOf } from '../../oci/life/store.ts';
import { OciError } from '../../oci/oci-error.ts';
import { globalsOf } from './globals.ts';

const print = (text: string) => void process.stdout.write(`${text}\n`);

const rootOf = (command: Command) => resolve(globalsOf(command).root);

export function addLookCommands(program: Command): void {
  program
    .command('list')
    .description('all containers below --root')
    .option('-q, --quiet', 'their ids alone')
    .option('-f, --format <format>', 'table or json', 'table')
    .action((flags: { quiet?: boolean; format: string }, command: Command) => {
      const root = rootOf(command);
      assertFormat(flags.format);
      const all = listContainers(root).flatMap((id): Listed[] => {
        const paths = pathsOf(root, id);
        const stored = readStored(paths);
        return stored ? [listed(stored, paths.directory)] : [];
      });
      if (flags.quiet) for (const { id } of all) print(id);
      else if (flags.format === 'json') print(JSON.stringify(all));
      else print(tableOf(all));
    });

  program
    .command('ps <id> [options...]')
    .description('the processes of a container; options are those of ps(1)')
    .passThroughOptions()
    .option('-f, --format <format>', 'table or json', 'table')
    .action(async (id: string, options: string[], flags: { format: string }, command: Command) => {
      assertFormat(flags.format);
      const pids = processesOf(rootOf(command), id);
      print(flags.format === 'json' ? JSON.stringify(pids) : await tabulate(pids, options));
    });

  program
    .command('events <id>')
    .description('what a container uses, every few seconds, as JSON')
    .option('--stats', 'once')
    .option('--interval <duration>', 'as 5s or 500ms', '5s')
    .action(async (id: string, flags: { stats?: boolean; interval: string }, command: Command) => {
      const root = rootOf(command);
      const milliseconds = durationOf(flags.interval);
      print(JSON.stringify(statisticsOf(root, id)));
      if (!flags.stats) await watch(root, id, milliseconds);
    });

  program
    .command('spec')
    .description('write a config.json to begin with')
    .option('-b, --bundle <directory>', 'where', '.')
    .option('--rootless', 'for a user without privilege')
    .action(({ bundle, rootless }: { bundle: string; rootless?: boolean }) => {
      const path = join(resolve(bundle), 'config.json');
      if (existsSync(path)) throw new OciError(`${path}: there is one already; remove it first`);
      const { getuid, getgid } = process;
      const spec = rootless ? rootlessSpec(getuid?.() ?? 0, getgid?.() ?? 0) : exampleSpec();
      writeFileSync(path, `${JSON.stringify(spec, null, 2)}\n`);
    });
}

/** Until it has ended. */
async function watch(root: string, id: string, milliseconds: number): Promise<void> {
  let kills = oomKillsOf(root, id);
  for (;;) {
    await sleep(milliseconds);
    if (statusOf(load(root, id).stored) === 'stopped') return;
    print(JSON.stringify(statisticsOf(root, id)));
    const now = oomKillsOf(root, id);
    if (now !== null && kills !== null && now > kills) print(JSON.stringify({ type: 'oom', id }));
    kills = now;
  }
}

function durationOf(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const scale = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit];
  const milliseconds = Number(number) * (scale ?? Number.NaN);
  if (milliseconds > 0) return milliseconds;
  throw new OciError(`--interval ${text}: give a duration as 5s or 500ms`);
}

function assertFormat(format: string): void {
  if (format === 'table' || format === 'json') return;
  throw new OciError(`--format ${format}: allowed are table, json`);
}

function tableOf(all: readonly Listed[]): string {
  const rows = [
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...all.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd((widths[i] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}
