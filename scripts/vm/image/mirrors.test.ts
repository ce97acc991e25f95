import { describe, expect, it } from 'vitest';
import { chooseMirrors } from './mirrors.ts';

const DEBIAN = [
  'deb http://deb.debian.org/debian bookworm main',
  'deb http://deb.debian.org/debian bookworm-updates main',
  'deb http://deb.debian.org/debian-security bookworm-security main',
];

describe('chooseMirrors', () => {
  it("takes the host's mirror for the suites that it has", () => {
    const indexes = [
      'bookworm main http://mirror.example/debian/',
      'bookworm-security main http://mirror.example/debian-security/',
    ];
    expect(chooseMirrors(indexes.join('\n'))).toEqual([
      'deb http://mirror.example/debian bookworm main',
      DEBIAN[1],
      'deb http://mirror.example/debian-security bookworm-security main',
    ]);
  });

  it("takes Debian's own on another release or distribution", () => {
    expect(chooseMirrors('noble main http://archive.ubuntu.com/ubuntu/')).toEqual(DEBIAN);
    expect(chooseMirrors('')).toEqual(DEBIAN);
  });

  it('takes no archive that has other components only', () => {
    expect(chooseMirrors('bookworm nonfree http://other.example/debian/')).toEqual(DEBIAN);
  });
});
