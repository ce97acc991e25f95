/**
 * What the kernel runs on: bare metal, a virtual machine, Windows' Linux subsystem; and which C
 * library the host's programs use, since labs build a root file system out of those programs.
 *
 * systemd-detect-virt(1), proc_pid_maps(5), ld.so(8)
 */
import { spawnSync } from 'node:child_process';
import { findCommand } from '../command.ts';
import { readProcFile } from '../proc-file.ts';

export type CLibrary = 'glibc' | 'musl' | 'unknown';

/** 1 translates system calls and is no Linux kernel; 2 is a Linux kernel in a virtual machine. */
export function readWsl(release: string): 1 | 2 | null {
  if (!/microsoft/i.test(release)) return null;
  return /-Microsoft$/.test(release) ? 1 : 2;
}

/** `kvm`, `qemu`, `wsl`, `none` …; null where nothing can tell. */
export function readVirtualMachine(): string | null {
  const detect = findCommand('systemd-detect-virt');
  if (detect) {
    const { stdout } = spawnSync(detect, ['--vm'], { encoding: 'utf8', timeout: 5000 });
    if (stdout?.trim()) return stdout.trim();
  }
  // A processor that is emulated or shared says so (x86 only).
  return /^flags.*\bhypervisor\b/m.test(readProcFile('/proc/cpuinfo')) ? 'some hypervisor' : null;
}

/** The C library that is mapped into this very process. */
export function readCLibrary(): CLibrary {
  const maps = readProcFile('/proc/self/maps');
  if (/\/(?:ld-musl|libc\.musl)/.test(maps)) return 'musl';
  return /\/libc(?:-[\d.]+)?\.so/.test(maps) ? 'glibc' : 'unknown';
}
