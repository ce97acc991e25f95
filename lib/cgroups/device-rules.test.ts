import { describe, expect, it } from 'vitest';
import { type DeviceRule, formatDevice, policyOf } from './device-rules.ts';

const deny: DeviceRule = { allow: false, type: 'a' };
const c = (allow: boolean, major: number | null, minor: number | null, access = 'rwm') =>
  ({ allow, type: 'c', major, minor, access }) as const;

const policy = (...rules: DeviceRule[]) => {
  const { otherwise, exceptions } = policyOf(rules);
  return [otherwise, ...exceptions.map(formatDevice)];
};

describe('a policy', () => {
  it('is a default and exceptions to it', () => {
    expect(policy()).toEqual(['allow']);
    expect(policy(c(false, 5, 1))).toEqual(['allow', 'c 5:1 rwm']);
    expect(policy(deny, c(true, 1, null, 'wr'))).toEqual(['deny', 'c 1:* rw']);
    expect(policy(deny, c(true, 1, 3), { allow: true, type: 'a' })).toEqual(['allow']);
  });

  it('joins what is given of one device, and takes it back', () => {
    expect(policy(deny, c(true, 1, 3, 'r'), c(true, 1, 3, 'm'))).toEqual(['deny', 'c 1:3 rm']);
    expect(policy(deny, c(true, 1, 3), c(false, 1, 3, 'w'))).toEqual(['deny', 'c 1:3 rm']);
    expect(policy(deny, c(true, 1, 3), c(false, 1, 3))).toEqual(['deny']);
    expect(policy(deny, c(true, 1, 3), c(false, 1, 5))).toEqual(['deny', 'c 1:3 rwm']);
    expect(policy(deny, c(true, 1, 3, 'r'), c(false, 1, null, 'w'))).toEqual(['deny', 'c 1:3 r']);
  });

  it('is refused where the kernel’s list could not hold it', () => {
    expect(() => policy(deny, c(true, 1, null), c(false, 1, 3))).toThrow(
      'devices: "c 1:3 rwm" takes a part of "c 1:* rwm" back',
    );
    expect(() => policy(deny, c(true, 1, 3, 'rx'))).toThrow('access "rx"');
    expect(() => policy(deny, c(true, 1, 3, ''))).toThrow('access ""');
  });
});
