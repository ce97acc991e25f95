import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { findCommand } from '../command.ts';
import { itNeeds } from '../it-needs.ts';
import { decodeCapabilities, missingCapabilities } from './capabilities.ts';

itNeeds(['command:capsh'], 'names every capability as capsh does', () => {
  for (let bit = 0n; bit <= 40n; bit++) {
    const mask = 1n << bit;
    const capsh = execFileSync(findCommand('capsh') ?? '', [`--decode=${mask.toString(16)}`], {
      encoding: 'utf8',
    });
    expect(decodeCapabilities(mask)).toEqual([capsh.trim().split('=')[1]?.toUpperCase()]);
  }
});

it('gives a capability without a name by its number', () => {
  expect(decodeCapabilities((1n << 62n) | 1n)).toEqual(['CAP_CHOWN', 'CAP_62']);
});

it('finds what is missing up to the last one that the kernel knows', () => {
  expect(missingCapabilities(['CAP_CHOWN', 'CAP_FOWNER'], 3)).toEqual([
    'CAP_DAC_OVERRIDE',
    'CAP_DAC_READ_SEARCH',
  ]);
});
