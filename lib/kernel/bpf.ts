/**
 * Programs for the kernel's own virtual machine that decide about devices: one is loaded from its
 * instructions and attached to a cgroup version 2 directory, which keeps it until it is removed.
 * Version 2 has no file for devices; this is what took the place of `devices.allow`.
 *
 * bpf(2), kernel Documentation/admin-guide/cgroup-v2.rst "Device controller"
 */
import { closeSync } from 'node:fs';
import { kernel } from './call.ts';
import {
  AT_FDCWD,
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_ATTACH,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  O_CLOEXEC,
  O_DIRECTORY,
} from './constants.ts';
import { type Memory, mapMemory, placeArgument } from './memory.ts';
import { decodeBpfQuery, encodeBpfAttach, encodeBpfLoad, encodeBpfQuery } from './structs.ts';

let scratch: Memory | undefined;

/** `instructions` are eight bytes each. Throws SyscallError: EINVAL where the verifier objects. */
export function attachDeviceProgram(cgroup: string, instructions: Uint8Array): void {
  using open = new DisposableStack();
  const target = open.adopt(openDirectory(cgroup), closeSync);
  const program = open.adopt(loadDeviceProgram(instructions), closeSync);
  kernel.bpf(
    BPF_PROG_ATTACH,
    // What others have attached above stays in force: all of them must allow a device.
    encodeBpfAttach({ target, program, type: BPF_CGROUP_DEVICE, flags: BPF_F_ALLOW_MULTI }),
  );
}

/** How many device programs are attached to this very directory. Throws SyscallError. */
export function countDevicePrograms(cgroup: string): number {
  using open = new DisposableStack();
  const target = open.adopt(openDirectory(cgroup), closeSync);
  const query = encodeBpfQuery({ target, type: BPF_CGROUP_DEVICE });
  kernel.bpf(BPF_PROG_QUERY, query);
  return decodeBpfQuery(query);
}

function loadDeviceProgram(instructions: Uint8Array): number {
  scratch ??= mapMemory(64 * 1024);
  scratch.used = 0;
  return kernel.bpf(
    BPF_PROG_LOAD,
    encodeBpfLoad({
      type: BPF_PROG_TYPE_CGROUP_DEVICE,
      count: instructions.length / 8,
      instructions: placeArgument(scratch, instructions),
      license: placeArgument(scratch, 'MIT'),
    }),
  );
}

const openDirectory = (path: string) => kernel.openat(AT_FDCWD, path, O_DIRECTORY | O_CLOEXEC);
