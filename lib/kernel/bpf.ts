/**
 * Programs for the kernel's own virtual machine that decide about devices: one is loaded from its
 * instructions and attached to a cgroup version 2 directory, which keeps it until it is removed.
 * Version 2 has no file for devices; this is what took the place of `devices.allow`.
 *
 * bpf(2), kernel Documentation/admin-guide/cgroup-v2.rst "Device controller"
 */
import { closeSync } from 'node:fs';
import { attempt, kernel } from './call.ts';
import {
  AT_FDCWD,
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  O_CLOEXEC,
  O_DIRECTORY,
} from './constants.ts';
import { type Memory, mapMemory, placeArgument, reserve } from './memory.ts';
import {
  BPF_PROG_INFO_SIZE,
  decodeBpfProgramName,
  decodeBpfQuery,
  encodeBpfAttach,
  encodeBpfId,
  encodeBpfInfo,
  encodeBpfLoad,
  encodeBpfQuery,
} from './structs.ts';

let scratch: Memory | undefined;

/** By which ours are told from others: systemd's, or those of whoever runs the machine. */
const NAME = 'unboxed_devices';

/** What one directory can have. BPF_CGROUP_MAX_PROGS in the kernel's kernel/bpf/cgroup.c */
const MOST = 64;

/**
 * In the place of those that we have attached before. `instructions` are eight bytes each. Throws
 * SyscallError: EINVAL where the verifier objects.
 */
export function attachDeviceProgram(cgroup: string, instructions: Uint8Array): void {
  using open = new DisposableStack();
  const target = open.adopt(openDirectory(cgroup), closeSync);
  const before = openOwnPrograms(target, open);
  const program = open.adopt(loadDeviceProgram(instructions), closeSync);
  const of = { target, type: BPF_CGROUP_DEVICE };
  // What others have attached, here and above, stays in force: all of them must allow a device. So
  // for a moment that holds of the old and the new one too, and nothing is open that neither allows.
  kernel.bpf(BPF_PROG_ATTACH, encodeBpfAttach({ ...of, program, flags: BPF_F_ALLOW_MULTI }));
  for (const old of before) {
    kernel.bpf(BPF_PROG_DETACH, encodeBpfAttach({ ...of, program: old, flags: 0 }));
  }
}

/** How many device programs are attached to this very directory. Throws SyscallError. */
export function countDevicePrograms(cgroup: string): number {
  using open = new DisposableStack();
  const target = open.adopt(openDirectory(cgroup), closeSync);
  const query = encodeBpfQuery({ target, type: BPF_CGROUP_DEVICE });
  kernel.bpf(BPF_PROG_QUERY, query);
  return decodeBpfQuery(query);
}

/** Descriptors of those programs on the directory that have our name. */
function openOwnPrograms(target: number, open: DisposableStack): number[] {
  const memory = emptyScratch();
  const at = reserve(memory, 4 * MOST);
  const ids = { address: memory.address + at, room: MOST };
  const query = encodeBpfQuery({ target, type: BPF_CGROUP_DEVICE, ids });
  kernel.bpf(BPF_PROG_QUERY, query);
  const found = Array.from({ length: decodeBpfQuery(query) }, (_, i) =>
    memory.bytes.readUInt32LE(at + 4 * i),
  );
  return found
    .map((id) => attempt.bpf(BPF_PROG_GET_FD_BY_ID, encodeBpfId(id)))
    .filter((fd) => fd >= 0) // Or it has been detached meanwhile.
    .map((fd) => open.adopt(fd, closeSync))
    .filter((fd) => nameOf(fd) === NAME);
}

function nameOf(fd: number): string {
  const memory = emptyScratch();
  const at = reserve(memory, BPF_PROG_INFO_SIZE);
  memory.bytes.fill(0, at, at + BPF_PROG_INFO_SIZE);
  const info = { fd, length: BPF_PROG_INFO_SIZE, address: memory.address + at };
  kernel.bpf(BPF_OBJ_GET_INFO_BY_FD, encodeBpfInfo(info));
  return decodeBpfProgramName(memory.bytes.subarray(at, at + BPF_PROG_INFO_SIZE));
}

function emptyScratch(): Memory {
  scratch ??= mapMemory(64 * 1024);
  scratch.used = 0;
  return scratch;
}

function loadDeviceProgram(instructions: Uint8Array): number {
  const scratch = emptyScratch();
  return kernel.bpf(
    BPF_PROG_LOAD,
    encodeBpfLoad({
      type: BPF_PROG_TYPE_CGROUP_DEVICE,
      count: instructions.length / 8,
      instructions: placeArgument(scratch, instructions),
      license: placeArgument(scratch, 'MIT'),
      name: NAME,
    }),
  );
}

const openDirectory = (path: string) => kernel.openat(AT_FDCWD, path, O_DIRECTORY | O_CLOEXEC);
