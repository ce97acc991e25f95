import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeLine } from '../launch/explain.ts';
import { launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import {
  mountLabelOption,
  openLabel,
  readSecurityModules,
  type SecurityModules,
} from './labels.ts';
import type { Process, Spec } from './spec.ts';

const both = { apparmor: true, selinux: true };
const none = { apparmor: false, selinux: false };

const specOf = (process: Partial<Process>): Spec => ({
  ociVersion: '1.2.0',
  process: { cwd: '/', ...process },
  linux: { mountLabel: 'system_u:object_r:container_file_t:s0' },
});

function linesOf(process: Partial<Process>, has: SecurityModules): string[] {
  const spec = specOf(process);
  const program = launch({}, (call) => {
    const write = openLabel({ call, spec }, has);
    call.getpid();
    write({ call, spec, id: 'a', bundle: { directory: '/b', spec }, confined: false });
  });
  return program.lines.map((line) => describeLine(line, program));
}

describe('openLabel', () => {
  it('opens first, and writes when the rest is done', () => {
    const file = existsSync('/proc/self/attr/apparmor/exec') ? 'attr/apparmor/exec' : 'attr/exec';
    expect(linesOf({ apparmorProfile: 'some-profile' }, both)).toEqual([
      `openat(AT_FDCWD, "/proc/self/${file}", O_WRONLY|O_CLOEXEC, 00)`,
      'getpid()',
      'write($1, "exec some-profile", 17)',
    ]);
    expect(linesOf({ selinuxLabel: 'a:b:c:s0' }, both)).toEqual([
      'openat(AT_FDCWD, "/proc/self/attr/exec", O_WRONLY|O_CLOEXEC, 00)',
      'getpid()',
      'write($1, "a:b:c:s0", 8)',
    ]);
  });

  it('adds nothing where nothing is asked for', () => {
    expect(linesOf({}, both)).toEqual(['getpid()']);
    expect(linesOf({ apparmorProfile: 'unconfined' }, none)).toEqual(['getpid()']);
  });

  it('refuses a label that nobody would heed', () => {
    expect(() => linesOf({ apparmorProfile: 'x' }, none)).toThrow('without AppArmor');
    expect(() => linesOf({ selinuxLabel: 'x' }, none)).toThrow('without SELinux');
    expect(() => mountLabelOption(specOf({}), none)).toThrow('linux.mountLabel');
  });

  itNeeds(['linux'], 'asks the kernel what it has', () => {
    const { apparmor, selinux } = readSecurityModules();
    expect(apparmor).toBe(existsSync('/proc/self/attr/apparmor/current') && apparmor);
    expect(selinux).toBe(existsSync('/sys/fs/selinux/policyvers'));
  });
});

describe('mountLabelOption', () => {
  it('is quoted: a context may hold commas', () => {
    expect(mountLabelOption(specOf({}), both)).toBe(
      'context="system_u:object_r:container_file_t:s0"',
    );
    expect(mountLabelOption({ ociVersion: '1.2.0' }, none)).toBeNull();
  });
});
