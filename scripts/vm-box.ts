/**
 * npm run vm:box: builds the project's own Vagrant box, from Debian packages alone, with Node, the
 * packages of the lock file and all that labs need in it, so that `npm run vm` needs no network.
 * What is built is kept outside the checkout and found again. Exit codes: 0 the box is there, 1 it
 * could not be built, 2 wrong usage, 3 something is missing on this machine, 130 stopped by Ctrl-C.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { type Arch, hostArch } from './vm/image/arch.ts';
import { type Box, builtBox, ensureBox, type Provider } from './vm/image/box.ts';
import { ImageError } from './vm/image/image-error.ts';
import { requireSpace } from './vm/image/space.ts';
import { startStages } from './vm/image/stages.ts';
import { BOX_TOOLS, requireTools } from './vm/image/tools.ts';

interface Wanted {
  arch: Arch;
  provider: Provider;
}

const USAGE = 'npm run vm:box -- [--arch amd64|arm64] [--provider libvirt|virtualbox]';

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const wanted = readOptions(args);
  if (typeof wanted === 'string') {
    process.stderr.write(`vm:box: ${wanted}; usage: ${USAGE}\n`);
    return 2;
  }
  const { arch, provider } = wanted;
  const there = await builtBox(arch, provider);
  if (there) {
    report(there, wanted, 'is there already');
    return 0;
  }
  try {
    requireTools(BOX_TOOLS[arch]);
    await requireSpace();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    process.stderr.write(`vm:box: ${error.message}\n`);
    return 3;
  }
  return build(arch, provider);
}

async function build(arch: Arch, provider: Provider): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const stages = startStages((text) => process.stdout.write(text));
  try {
    const box = await ensureBox(arch, provider, stages.say, stop.signal);
    const seconds = stages.end();
    report(box, { arch, provider }, `was built in ${seconds} s`);
    return 0;
  } catch (error) {
    stages.end();
    if (stop.signal.aborted) {
      process.stderr.write('vm:box: stopped; stages that had ended are kept for the next run\n');
      return 130;
    }
    if (!(error instanceof ImageError)) throw error;
    process.stderr.write(`vm:box: ${error.message}\n`);
    return 1;
  }
}

function report(box: Box, { arch, provider }: Wanted, how: string): void {
  const here = provider === 'libvirt' && arch === hostArch();
  const next = here
    ? 'npm run vm'
    : `UNBOXED_BOX=${basename(box.path)} npm run vm, on a host for it`;
  const lines = [
    `The box for ${provider} on ${arch} ${how}.`,
    `  path      ${box.path}`,
    `  size      ${(box.bytes / 1e6).toFixed(0)} MB`,
    `  sha256    ${box.sha256}`,
    `  contents  ${box.contents}`,
    `Next: ${next}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The options, or in one line what is wrong with them. */
function readOptions(args: string[]): Wanted | string {
  try {
    const { values } = parseArgs({
      args,
      options: { arch: { type: 'string' }, provider: { type: 'string' } },
    });
    const { arch = hostArch() ?? 'amd64', provider = 'libvirt' } = values;
    if (arch !== 'amd64' && arch !== 'arm64') return `no box is made for ${arch}`;
    if (provider !== 'libvirt' && provider !== 'virtualbox') return `no box for ${provider}`;
    return { arch, provider };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    return message.split('. ')[0] ?? message;
  }
}
