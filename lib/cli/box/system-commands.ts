/**
 * The commands about box itself and the machine.
 */
import type { Command } from 'commander';

export function defineVersion(command: Command): Command {
  return command
    .description('print the version')
    .option('-f, --format <format>', 'json, or a template as {{.Client.Version}}')
    .action(async (...args: Parameters<typeof import('./system/version.ts').showVersion>) =>
      (await import('./system/version.ts')).showVersion(...args),
    );
}

export function defineInfo(command: Command): Command {
  return command
    .description('what box knows of its images and of this machine')
    .option('-f, --format <format>', 'json, or a template as {{.Driver}}')
    .action(async (...args: Parameters<typeof import('./system/version.ts').showInfo>) =>
      (await import('./system/version.ts')).showInfo(...args),
    );
}

export function defineDiskUse(command: Command): Command {
  return command
    .description('what images take on the disk')
    .option('-v, --verbose', 'each image')
    .option('--format <format>', 'json, table, or a template as {{.Size}}')
    .action(async (...args: Parameters<typeof import('./system/disk-use.ts').showDiskUse>) =>
      (await import('./system/disk-use.ts')).showDiskUse(...args),
    );
}
