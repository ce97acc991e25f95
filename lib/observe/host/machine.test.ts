import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { itNeeds } from '../it-needs.ts';
import { readCLibrary, readVirtualMachine, readWsl } from './machine.ts';

it('tells the two kinds of WSL from each other and from Linux', () => {
  expect(readWsl('4.4.0-19041-Microsoft')).toBe(1);
  expect(readWsl('5.15.153.1-microsoft-standard-WSL2')).toBe(2);
  expect(readWsl('6.1.0-18-amd64')).toBeNull();
});

itNeeds(['ldd'], 'finds the C library that ldd finds for this Node', () => {
  const objects = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  expect(readCLibrary()).toBe(objects.includes('musl') ? 'musl' : 'glibc');
});

itNeeds(['command:systemd-detect-virt'], 'names the virtual machine as systemd does', () => {
  // Its exit code is not 0 on bare metal.
  const script = 'systemd-detect-virt --vm || true';
  const said = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim();
  expect(readVirtualMachine()).toBe(said);
});
