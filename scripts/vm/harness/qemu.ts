/**
 * One guest: QEMU boots the kernel directly, the guest runs one command and powers off. Its disk is
 * the root image, written to a copy that QEMU drops at the end; nothing is left on the host.
 *
 *   host                            guest
 *   root image   ── first disk ──▶  /
 *   project.tar  ── second disk ──▶ /unboxed, and the command
 *   output       ◀── virtio port ── what the command prints (a terminal when interactive)
 *   results      ◀── virtio port ── lines of JSON
 *   exit         ◀── virtio port ── the exit code
 *   console.log  ◀── serial line ── what the kernel says
 *
 * qemu-system(1), kernel Documentation/admin-guide/kernel-parameters.txt
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Result } from '../../results.ts';
import { type GuestCommand, packProject } from './project.ts';

export type Layout = 'v1' | 'v2';
export type Arch = 'amd64' | 'arm64';

/** What a guest boots from. */
export interface GuestImage {
  kernel: string;
  initrd: string;
  /** An ext4 filesystem. */
  root: string;
}

export interface GuestOptions extends GuestCommand {
  image: GuestImage;
  arch: Arch;
  accelerator: 'kvm' | 'tcg';
  layout: Layout;
  /** The checkout. */
  project: string;
  cpus: number;
  memoryMiB: number;
  /** This process's terminal becomes the guest's. */
  interactive?: boolean;
  onOutput?: (text: string) => void;
  onResult?: (result: Result) => void;
  /** A guest that says nothing for so long has hung and is ended. */
  silenceSeconds?: number;
  /** Ends the guest; `exitCode` is null then. */
  signal?: AbortSignal;
}

export interface GuestEnd {
  /** Null when the guest ended without one; `why` tells then. */
  exitCode: number | null;
  why: string;
  seconds: number;
}

const POLL_MILLISECONDS = 200;
const CONSOLE_LINES = 15;

interface MachineWords {
  command: string;
  machine: string;
  console: string;
  /**
   * The processor that is emulated. What the newest can do is slow where it is emulated, and programs
   * that find it there use it: SHA-256 takes twice as long. Bun runs on nothing older.
   */
  emulated: string;
}

const MACHINES: Record<Arch, MachineWords> = {
  amd64: {
    command: 'qemu-system-x86_64',
    machine: 'q35',
    console: 'ttyS0',
    emulated: 'Nehalem',
  },
  arm64: {
    command: 'qemu-system-aarch64',
    machine: 'virt',
    console: 'ttyAMA0',
    emulated: 'max',
  },
};

/** Resolves when QEMU has ended. Throws when it cannot be started. */
export async function runGuest(options: GuestOptions): Promise<GuestEnd> {
  const began = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'unboxed-guest-'));
  const file = (name: string) => join(directory, name);
  try {
    await packProject(options.project, options, file('project.tar'));
    const { interactive = false } = options;
    const machine = MACHINES[options.arch];
    // It ends with this process, however that ends.
    const tethered = ['--pdeathsig', 'KILL', machine.command, ...listArguments(options, file)];
    const qemu = execa('setpriv', tethered, {
      stdin: interactive ? 'inherit' : 'ignore',
      stdout: interactive ? 'inherit' : 'ignore',
      stderr: 'pipe',
      // Its disk's copy goes where TMPDIR says.
      env: { TMPDIR: directory },
      reject: false,
      ...(options.signal ? { cancelSignal: options.signal } : {}),
    });
    let hung = false;
    let heard = performance.now();
    const output = follow(file('output'), (text) => options.onOutput?.(text));
    const results = follow(file('results'), (lines) => {
      for (const line of lines.split('\n')) if (line) options.onResult?.(JSON.parse(line));
    });
    const { silenceSeconds = Number.POSITIVE_INFINITY } = options;
    const poll = setInterval(() => {
      const now = performance.now();
      if (output() || results()) heard = now;
      if (now - heard < silenceSeconds * 1000 || interactive) return;
      hung = true;
      qemu.kill('SIGKILL');
    }, POLL_MILLISECONDS);
    const { exitCode: qemuExit, stderr } = await qemu;
    clearInterval(poll);
    output();
    results();
    const written = readIfThere(file('exit')).trim();
    return {
      exitCode: written === '' ? null : Number(written),
      why: written === '' ? explain() : '',
      seconds: (performance.now() - began) / 1000,
    };

    function explain(): string {
      if (options.signal?.aborted) return 'it was told to end';
      if (hung) return `it was silent for ${silenceSeconds} s and was ended`;
      const kernel = readIfThere(file('console')).trimEnd().split(/\r?\n/).slice(-CONSOLE_LINES);
      const said = [stderr, ...kernel].filter(Boolean).map((line) => `  ${line}`);
      return [`it ended without an exit code (QEMU's is ${qemuExit}); last said:`, ...said].join(
        '\n',
      );
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function listArguments(options: GuestOptions, file: (name: string) => string): string[] {
  const { image, arch, accelerator, layout, interactive } = options;
  const { machine, console, emulated } = MACHINES[arch];
  const parameters = [
    `console=${console}`,
    'quiet',
    'panic=-1',
    'mitigations=off',
    `unboxed.cgroup=${layout}`,
  ];
  const port = (name: string, number: number) => [
    '-device',
    `virtserialport,chardev=${name},name=${name},nr=${number}`,
  ];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...[
      '-machine',
      machine,
      '-accel',
      accelerator,
      '-cpu',
      accelerator === 'kvm' ? 'host' : emulated,
    ],
    ...['-smp', String(options.cpus), '-m', String(options.memoryMiB)],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', parameters.join(' ')],
    ...['-drive', `file=${image.root},format=raw,if=virtio,snapshot=on,cache=unsafe`],
    ...['-drive', `file=${file('project.tar')},format=raw,if=virtio,readonly=on`],
    ...['-chardev', `file,id=console,path=${file('console')}`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci'],
    ...(interactive
      ? ['-chardev', 'stdio,id=output,signal=off', '-device', 'virtconsole,chardev=output,nr=0']
      : ['-chardev', `file,id=output,path=${file('output')}`, ...port('output', 1)]),
    ...['-chardev', `file,id=results,path=${file('results')}`, ...port('results', 2)],
    ...['-chardev', `file,id=exit,path=${file('exit')}`, ...port('exit', 3)],
  ];
}

/** A function that hands on the whole lines that the file has got since, if it has got any. */
function follow(path: string, take: (lines: string) => void): () => boolean {
  let taken = 0;
  return () => {
    const end = existsSync(path) ? readFileSync(path).lastIndexOf('\n') + 1 : 0;
    if (end === taken) return false;
    take(readFileSync(path).subarray(taken, end).toString());
    taken = end;
    return true;
  };
}

const readIfThere = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
