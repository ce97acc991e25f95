import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { describeKernel, parseRelease, readKernel } from './kernel.ts';

it('reads the release that uname prints', () => {
  expect(readKernel().release).toBe(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim());
});

it('counts a call from the version that brought it, and not before', () => {
  expect(describeKernel('5.2.21').calls).toMatchObject({ open_tree: true, clone3: false });
  expect(describeKernel('5.3.0').calls).toMatchObject({ clone3: true, pidfd_open: true });
  expect(describeKernel('5.10.0-33-amd64').calls).toMatchObject({
    openat2: true,
    close_range: true,
    CLOSE_RANGE_CLOEXEC: false,
  });
  expect(describeKernel('5.12.0-rc1').calls.mount_setattr).toBe(true);
});

it('compares numbers, not text: 5.9 is older than 5.11, 10.0 newer', () => {
  expect(describeKernel('5.9.1').calls.CLOSE_RANGE_CLOEXEC).toBe(false);
  expect(describeKernel('10.0.0').calls.mount_setattr).toBe(true);
});

it('believes nothing of a release that it cannot read', () => {
  expect(parseRelease('unknown')).toEqual([0, 0]);
  expect(Object.values(describeKernel('unknown').calls)).not.toContain(true);
});
