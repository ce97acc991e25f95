import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, test, vi } from 'vitest';
import { itNeeds } from '../../lib/observe/it-needs.ts';
import { chosenMachine, domainName, MACHINES, PROJECT, VAGRANT_DIRECTORY } from './machines.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['', 'v2'],
  ['v2', 'v2'],
  ['v1', 'v1'],
])('UNBOXED_VM=%s chooses %s', (given, machine) => {
  vi.stubEnv('UNBOXED_VM', given);
  expect(chosenMachine()).toBe(machine);
});

test.each(['v3', '1', 'V1'])('UNBOXED_VM=%s is a wrong call', (given) => {
  vi.stubEnv('UNBOXED_VM', given);
  expect(chosenMachine).toThrow(expect.objectContaining({ exitCode: 2 }));
});

itNeeds(['command:ruby'], 'the Vagrantfile calls the machines in libvirt as we do', () => {
  vi.stubEnv('VAGRANT_DOTFILE_PATH', '/somewhere/else');
  const text = readFileSync(join(VAGRANT_DIRECTORY, 'Vagrantfile'), 'utf8');
  const [program = ''] = text.split(/^Vagrant\.configure/m);
  const ask = `${program.replaceAll('__dir__', JSON.stringify(VAGRANT_DIRECTORY))}\nprint Unboxed.prefix`;
  const prefix = execFileSync('ruby', ['-e', ask], { encoding: 'utf8' });
  expect(MACHINES.map(domainName)).toEqual([`${prefix}v2`, `${prefix}v1`]);
});

it('every lab has its command', () => {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  const numbers = Object.keys(scripts).flatMap((name) => /^lab:(\d+)$/.exec(name)?.[1] ?? []);
  expect(numbers).not.toEqual([]);
  for (const number of numbers) {
    expect(scripts[`vm:lab:${number}`]).toBe(
      `node scripts/bootstrap.mjs scripts/vm.ts lab ${number}`,
    );
  }
});
