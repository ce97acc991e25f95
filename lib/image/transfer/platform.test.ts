import { describe, expect, it } from 'vitest';
import type { Digest, Platform } from '../spec.ts';
import { formatPlatform, hostPlatform, parsePlatform, pickPlatform } from './platform.ts';

const entry = (platform: Platform | undefined, at: number) => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${String(at).padStart(64, '0')}` as Digest,
  size: 1,
  ...(platform ? { platform } : {}),
});
const indexOf = (...names: (string | null)[]) => ({
  schemaVersion: 2 as const,
  manifests: names.map((name, at) => entry(name === null ? undefined : parsePlatform(name), at)),
});
/** Which of `names` is taken for `wanted`. */
const pick = (wanted: string, ...names: (string | null)[]) => {
  const picked = pickPlatform(indexOf(...names), parsePlatform(wanted), 'image');
  return names[Number(picked.digest.slice(-2))];
};

describe('of an index', () => {
  it('the manifest for the platform is taken, wherever it stands', () => {
    expect(pick('linux/amd64', 'linux/arm64', 'windows/amd64', 'linux/amd64')).toBe('linux/amd64');
  });

  it('an older ARM variant is taken where the own is missing, the newest of them', () => {
    expect(pick('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6')).toBe('linux/arm/v6');
    expect(pick('linux/arm/v7', 'linux/arm/v6', 'linux/arm/v7')).toBe('linux/arm/v7');
    expect(() => pick('linux/arm/v6', 'linux/arm/v7')).toThrow('nothing for linux/arm/v6');
  });

  it('a variant that is not said is the usual one', () => {
    expect(pick('linux/arm64', 'linux/arm/v7', 'linux/arm64/v8')).toBe('linux/arm64/v8');
    expect(pick('linux/arm64/v8', 'linux/arm64')).toBe('linux/arm64');
    expect(pick('linux/arm', 'linux/arm/v6', 'linux/arm/v7')).toBe('linux/arm/v7');
    expect(pick('linux/amd64', 'linux/amd64/v3', 'linux/amd64')).toBe('linux/amd64');
    expect(() => pick('linux/amd64', 'linux/amd64/v3')).toThrow('nothing for linux/amd64');
  });

  it('the only one that says nothing is taken', () => {
    expect(pick('linux/amd64', null)).toBeNull();
    expect(() => pick('linux/amd64', null, null)).toThrow('nothing for linux/amd64');
  });

  it('none is an error that says which there are, without attestations', () => {
    const names = ['linux/arm64', 'linux/arm/v7', 'unknown/unknown'];
    expect(() => pick('linux/s390x', ...names)).toThrow(
      /^image: nothing for linux\/s390x; there is linux\/arm64, linux\/arm\/v7$/,
    );
  });
});

it('a platform is written as it is read', () => {
  expect(formatPlatform(parsePlatform('linux/arm/v6'))).toBe('linux/arm/v6');
  expect(parsePlatform('arm64')).toEqual({ os: 'linux', architecture: 'arm64' });
  expect(() => parsePlatform('linux//v7')).toThrow('no platform; write it like linux/amd64');
  expect(() => parsePlatform('a/b/c/d')).toThrow('no platform');
});

it('the host’s is what Go calls it', () => {
  const { architecture } = hostPlatform();
  expect(['amd64', '386', 'arm64', 'arm', 'ppc64le', 's390x', 'riscv64']).toContain(architecture);
});
