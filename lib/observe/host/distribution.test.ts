import { expect, it } from 'vitest';
import { installCommand, parseOsRelease } from './distribution.ts';

it('reads quoted and bare values', () => {
  expect(parseOsRelease('PRETTY_NAME="Alpine Linux v3.20"\nID=alpine\n')).toEqual({
    id: 'alpine',
    name: 'Alpine Linux v3.20',
    packages: 'apk',
  });
});

it('goes by the family where it does not know the distribution itself', () => {
  expect(parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\n').packages).toBe('apt');
  expect(parseOsRelease('ID="rocky"\nID_LIKE="rhel centos fedora"\n').packages).toBe('dnf');
  expect(parseOsRelease("ID='manjaro'\nID_LIKE=arch\n").packages).toBe('pacman');
  expect(parseOsRelease('ID=nixos\n').packages).toBeNull();
});

it('calls the package by the name that the distribution gives it', () => {
  const install = (id: string) => installCommand(parseOsRelease(`ID=${id}`), 'ip');
  expect(install('debian')).toBe('sudo apt-get install iproute2');
  expect(install('fedora')).toBe('sudo dnf install iproute');
  expect(install('alpine')).toBe('sudo apk add iproute2');
  expect(install('arch')).toBe('sudo pacman -S iproute2');
  expect(install('nixos')).toContain('iproute2');
});
