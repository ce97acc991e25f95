/**
 * The command that changes a container's limits: from flags, from a file, or from standard input.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { updateContainer } from '../../oci/life/update.ts';
import type { Resources } from '../../oci/spec.ts';
import { validateResources } from '../../oci/validate.ts';
import { wholeNumber } from '../numbers.ts';
import { globalsOf } from './globals.ts';

interface UpdateFlags {
  resources?: string;
  blkioWeight?: number;
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuBurst?: number;
  cpuShare?: number;
  cpuRtPeriod?: number;
  cpuRtRuntime?: number;
  cpuIdle?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  memory?: number;
  memoryReservation?: number;
  memorySwap?: number;
  pidsLimit?: number;
}

export function addUpdateCommand(program: Command): void {
  program
    .command('update <id>')
    .description('change the limits of a container')
    .option('-r, --resources <file>', 'resources as JSON; - is standard input')
    .option('--blkio-weight <weight>', 'share of block I/O', wholeNumber)
    .option('--cpu-period <us>', 'microseconds', wholeNumber)
    .option('--cpu-quota <us>', 'microseconds in each period; -1 is none', wholeNumber)
    .option('--cpu-burst <us>', 'microseconds', wholeNumber)
    .option('--cpu-share <shares>', 'share of the processors', wholeNumber)
    .option('--cpu-rt-period <us>', 'microseconds', wholeNumber)
    .option('--cpu-rt-runtime <us>', 'microseconds', wholeNumber)
    .option('--cpu-idle <0|1>', 'runs when nothing else does', wholeNumber)
    .option('--cpuset-cpus <list>', 'processors, as 0-1,3')
    .option('--cpuset-mems <list>', 'memory nodes')
    .option('--memory <bytes>', 'memory; -1 is no limit', wholeNumber)
    .option('--memory-reservation <bytes>', 'memory to leave alone', wholeNumber)
    .option('--memory-swap <bytes>', 'memory and swap together; -1 is no limit', wholeNumber)
    .option('--pids-limit <count>', 'processes; -1 is no limit', wholeNumber)
    .action(async (id: string, flags: UpdateFlags, command: Command) => {
      await updateContainer(resolve(globalsOf(command).root), id, await resourcesOf(flags));
    });
}

async function resourcesOf(flags: UpdateFlags): Promise<Resources> {
  if (flags.resources !== undefined) {
    const text = readFileSync(flags.resources === '-' ? 0 : flags.resources, 'utf8');
    return validateResources(JSON.parse(text), flags.resources);
  }
  const resources = {
    memory: {
      limit: flags.memory,
      reservation: flags.memoryReservation,
      swap: flags.memorySwap,
    },
    cpu: {
      shares: flags.cpuShare,
      quota: flags.cpuQuota,
      burst: flags.cpuBurst,
      period: flags.cpuPeriod,
      realtimeRuntime: flags.cpuRtRuntime,
      realtimePeriod: flags.cpuRtPeriod,
      cpus: flags.cpusetCpus,
      mems: flags.cpusetMems,
      idle: flags.cpuIdle,
    },
    pids: { limit: flags.pidsLimit },
    blockIO: { weight: flags.blkioWeight },
  };
  // What was not given is not there, rather than undefined.
  return JSON.parse(JSON.stringify(resources)) as Resources;
}
