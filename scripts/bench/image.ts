/**
 * Unpacking a whole root filesystem as a layer, beside `tar`: Debian with python, perl and git where
 * mmdebstrap is installed, else as much of this machine's own files.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { findCommand } from '../../lib/observe/command.ts';
import { benchPull, type PullFigures } from './pull.ts';
import { median } from './sample.ts';

export interface ImageFigures {
  /** Of the tar. */
  bytes: number;
  entries: number;
  gzipBytes: number;
  /** Seconds, medians. */
  gzip: { ours: number; tar: number; ratio: number };
  plain: { ours: number; tar: number; ratio: number };
  /** Into a store: also recorded, so that the tar can be written again, and synced. */
  stored: number;
  /** Of the process that unpacks, megabytes, the highest of all rounds; and before it began. */
  peak: number;
  before: number;
  /** The same as an image in a registry; in words why not. */
  pull: PullFigures | string;
}

const UNPACK = fileURLToPath(new URL('unpack.ts', import.meta.url));
const HOST = [
  'usr/bin',
  'usr/lib/git-core',
  'usr/lib/python3',
  'usr/share/perl',
  'usr/lib/x86_64-linux-gnu',
];

/** `layer` is a tar to take in place of one that is made. */
export async function benchImage(rounds: number, layer?: string): Promise<ImageFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'unboxed-bench-'));
  try {
    const plain = layer ?? (await makeRoot(join(directory, 'root.tar')));
    const gzip = join(directory, 'root.tar.gz');
    await execa('gzip', ['-c', plain], { stdout: { file: gzip }, buffer: false });
    const times = { gzip: [], gzipTar: [], plain: [], plainTar: [], stored: [] } as Record<
      'gzip' | 'gzipTar' | 'plain' | 'plainTar' | 'stored',
      number[]
    >;
    let peak = 0;
    let before = 0;
    let entries = 0;
    const ours = async (how: 'layer' | 'store', tar: string) => {
      const ran = await inEmpty(directory, (root) =>
        execa(process.execPath, [UNPACK, how, tar, root], { stdin: 'ignore' }),
      );
      const figures = JSON.parse(ran.result.stdout) as Unpacking;
      peak = Math.max(peak, figures.peak);
      before = Math.max(before, figures.before);
      entries = figures.entries ?? entries;
      return figures.seconds;
    };
    const theirs = async (command: string, tar: string) =>
      (await inEmpty(directory, (root) => execa('sh', ['-c', command, 'sh', tar, root]))).seconds;
    // By turns, so that whatever else the machine does meets all alike.
    for (let round = 0; round < rounds; round++) {
      times.gzipTar.push(await theirs('gzip -dc "$1" | tar -x -C "$2"', gzip));
      times.gzip.push(await ours('layer', gzip));
      times.plainTar.push(await theirs('tar -xf "$1" -C "$2"', plain));
      times.plain.push(await ours('layer', plain));
      times.stored.push(await ours('store', gzip));
    }
    const beside = (mine: number[], tar: number[]) => {
      const [a, b] = [median(mine), median(tar)];
      return { ours: a, tar: b, ratio: a / b };
    };
    return {
      bytes: (await stat(plain)).size,
      entries,
      gzipBytes: (await stat(gzip)).size,
      gzip: beside(times.gzip, times.gzipTar),
      plain: beside(times.plain, times.plainTar),
      stored: median(times.stored),
      peak,
      before,
      pull: await benchPull(rounds, plain, directory),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What scripts/bench/unpack.ts prints. */
export interface Unpacking {
  seconds: number;
  peak: number;
  before: number;
  entries?: number;
}

/** Runs it with an empty directory that is removed after, which does not count. */
async function inEmpty<T>(directory: string, run: (root: string) => Promise<T>) {
  const root = join(directory, 'root');
  await mkdir(root);
  const begin = performance.now();
  try {
    const result = await run(root);
    return { result, seconds: (performance.now() - begin) / 1000 };
  } finally {
    await rm(root, { recursive: true });
  }
}

async function makeRoot(path: string): Promise<string> {
  if (findCommand('mmdebstrap') !== null) {
    const what = ['--variant=minbase', '--include=python3,perl,git', 'stable', path];
    const made = await execa('mmdebstrap', ['--quiet', ...what], { reject: false });
    if (made.exitCode === 0) return path;
  }
  const there = HOST.filter((name) => existsSync(join('/', name)));
  await execa('tar', ['-cf', path, '-C', '/', ...there]);
  return path;
}
