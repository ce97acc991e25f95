import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { parseVersion, readTools } from './tools.ts';

it('finds each tool where a shell finds it', () => {
  const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;
  for (const [name, tool] of Object.entries(readTools())) {
    const script = `command -v "$0" || true`;
    const shell = execFileSync('sh', ['-c', script, name], { encoding: 'utf8', env: { PATH } });
    expect(tool?.path ?? '').toBe(shell.trim());
  }
});

it('finds the version in what each of them prints', () => {
  expect(parseVersion('ip utility, iproute2-6.1.0, libbpf 1.1.2')).toBe('6.1.0');
  expect(parseVersion('ip utility, iproute2-ss200602')).toBe('ss200602');
  expect(parseVersion('GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)')).toBe('5.2.15');
  expect(parseVersion('tmux 3.3a')).toBe('3.3a');
  expect(parseVersion('ping from iputils 20221126')).toBe('20221126');
  expect(parseVersion('ldd (Debian GLIBC 2.36-9+deb12u14) 2.36')).toBe('2.36');
  expect(parseVersion('musl libc (x86_64)\nVersion 1.2.5')).toBe('1.2.5');
  expect(parseVersion('usage: something else')).toBeNull();
});
