/**
 * What Vagrant is at, in one line for each stage with the time it took, from what it prints. On a
 * terminal the present stage stands below the finished ones, with its seconds.
 */
import { stripVTControlCharacters } from 'node:util';

/** The stage that begins with this line; null where it belongs to the present one. */
export function stageOf(line: string): string | null {
  const own = /: unboxed: (?!failed: )(.+)$/.exec(line)?.[1];
  if (own) return own === 'ready' ? null : `provisioning: ${own}`;
  return STAGES.find(([begins]) => begins.test(line))?.[1] ?? null;
}

/** Whether this line says that the machine is made: the box and its disk are where others see them. */
export function hasItsBox(line: string): boolean {
  return /Creating domain|Importing base box|Creating a virtual machine|Starting domain/.test(line);
}

const STAGES: readonly (readonly [RegExp, string])[] = [
  [/==> \S+: Box '.*' could not be found|==> \S+: Adding box/, 'handing the box to Vagrant'],
  [/Uploading base box image/, 'handing the disk to libvirt'],
  [/Importing base box/, 'copying the disk'],
  [/Creating image|Creating domain|Creating a virtual machine/, 'making the machine'],
  [/Starting domain|Booting VM|Resuming (?:domain|suspended)/, 'starting it'],
  [/Waiting for domain to get an IP|Waiting for machine to boot/, 'waiting for it to answer'],
  [/Rsyncing folder|Mounting (?:shared|synced) folders/, 'copying the project'],
  [/Running provisioner: file/, 'handing over what the host has'],
  [/Running provisioner: unboxed/, 'provisioning'],
  [/Waiting for machine to reboot/, 'starting it again, for its cgroup layout'],
  [/Attempting graceful shutdown|Halting domain/, 'shutting down'],
  [/Removing domain|Destroying VM/, 'removing it'],
];

export interface Progress {
  /** A line of output; begins a stage if it is the first of one. */
  take(line: string): void;
  begin(stage: string): void;
  /** Ends the last stage. */
  end(): void;
}

/** Writes to `out`; the times are of `now`, in milliseconds. */
export function showProgress(
  out: NodeJS.WriteStream = process.stderr,
  now: () => number = Date.now,
): Progress {
  let stage: string | null = null;
  let began = 0;
  const seconds = () => `${((now() - began) / 1000).toFixed(1)} s`.padStart(9);
  const draw = () => out.isTTY && stage && out.write(`\r\x1b[K${seconds()}  ${stage} …`);
  const timer = setInterval(draw, 500);
  timer.unref();
  const finish = () => {
    if (stage) out.write(`${out.isTTY ? '\r\x1b[K' : ''}${seconds()}  ${stage}\n`);
    stage = null;
  };
  const begin = (next: string) => {
    if (next === stage) return;
    finish();
    [stage, began] = [next, now()];
    draw();
  };
  return {
    begin,
    take: (line) => {
      const next = stageOf(stripVTControlCharacters(line));
      if (next) begin(next);
    },
    end: () => {
      finish();
      clearInterval(timer);
    },
  };
}
