import { closeSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { detectCgroups } from '../observe/cgroups.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { attachDeviceProgram, countDevicePrograms } from './bpf.ts';
import { kernel } from './call.ts';
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_ATTACH,
  BPF_PROG_LOAD,
  BPF_PROG_TYPE_CGROUP_DEVICE,
} from './constants.ts';
import { mapMemory, placeArgument } from './memory.ts';
import { encodeBpfAttach, encodeBpfLoad } from './structs.ts';

/** r0 = 1; exit */
const ALLOW = Buffer.from('b7000000010000009500000000000000', 'hex');

/** One that is somebody else’s: it has no name. */
function attachAnother(cgroup: string): void {
  using open = new DisposableStack();
  const memory = mapMemory(4096);
  const target = open.adopt(openSync(cgroup, 'r'), closeSync);
  const load = encodeBpfLoad({
    type: BPF_PROG_TYPE_CGROUP_DEVICE,
    count: 2,
    instructions: placeArgument(memory, ALLOW),
    license: placeArgument(memory, 'MIT'),
    name: '',
  });
  const program = open.adopt(kernel.bpf(BPF_PROG_LOAD, load), closeSync);
  const flags = BPF_F_ALLOW_MULTI;
  kernel.bpf(BPF_PROG_ATTACH, encodeBpfAttach({ target, program, type: BPF_CGROUP_DEVICE, flags }));
}

itNeeds(['root', 'cgroup-v2'], 'a device program takes the place of ours, and of no other', () => {
  const cgroup = join(detectCgroups().v2 ?? '', `test-bpf-${process.pid}`);
  mkdirSync(cgroup);
  try {
    attachDeviceProgram(cgroup, ALLOW);
    attachDeviceProgram(cgroup, ALLOW);
    expect(countDevicePrograms(cgroup)).toBe(1);
    attachAnother(cgroup);
    attachDeviceProgram(cgroup, ALLOW);
    expect(countDevicePrograms(cgroup)).toBe(2);
    attachDeviceProgram(cgroup, ALLOW);
    expect(countDevicePrograms(cgroup)).toBe(2);
  } finally {
    rmdirSync(cgroup);
  }
});
