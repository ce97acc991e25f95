/**
 * What the C headers installed on this machine say: values of names, sizes and places in
 * structures. A small C program prints them; for another architecture it is compiled by a cross
 * compiler and run by qemu-user. For tests.
 *
 * gcc(1), qemu-aarch64(1), offsetof(3)
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from '../observe/command.ts';
import type { Architecture } from './libc.ts';

export interface Toolchain {
  arch: Architecture;
  compiler: string;
  /** What a program is run by: nothing where it is this machine's own. */
  emulator: string[];
  /** For sources and programs; the caller removes it. */
  directory: string;
}

/** The tools for `arch`, or in words what is missing. */
export function findToolchain(arch: Architecture, directory: string): Toolchain | string {
  const triplet = arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  const own = arch === process.arch && process.platform === 'linux';
  const compiler = (own ? findCommand('cc') : null) ?? findCommand(`${triplet}-gcc`);
  if (compiler === null) return `no C compiler for ${arch}`;
  const name = arch === 'x64' ? 'qemu-x86_64' : 'qemu-aarch64';
  const emulator = own ? [] : [findCommand(name) ?? findCommand(`${name}-static`)];
  if (emulator.includes(null)) return `no ${name}`;
  return { arch, compiler, emulator: emulator as string[], directory };
}

/**
 * The values of C expressions after `headers` have been included, by expression. Those with a
 * name that the headers do not declare are absent. Throws when nothing compiles at all.
 */
export function evaluate(
  tools: Toolchain,
  headers: readonly string[],
  expressions: readonly string[],
): Map<string, bigint> {
  const asked = new Set(expressions);
  const source = join(tools.directory, 'evaluate.c');
  const program = join(tools.directory, 'evaluate');
  for (;;) {
    writeFileSync(source, printing(headers, [...asked]));
    const flags = tools.emulator.length > 0 ? ['-static'] : [];
    const compiled = spawnSync(tools.compiler, [...flags, '-w', '-o', program, source], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    if (compiled.status === 0) break;
    // A line for each expression: the line of an error says which one is not known.
    const lines = readFileSync(source, 'utf8').split('\n');
    const errors = [...compiled.stderr.matchAll(/evaluate\.c:(\d+):\d+: error: /g)];
    const unknown = errors.map(([, line]) => lines[Number(line) - 1]?.split('/*')[1]?.slice(0, -2));
    const before = asked.size;
    for (const expression of unknown) asked.delete(expression ?? '');
    if (asked.size === before) throw new Error(`${tools.compiler}: ${compiled.stderr}`);
  }
  const [command = program, ...rest] = [...tools.emulator, program];
  const printed = execFileSync(command, rest, { encoding: 'utf8' }).trim();
  const values = printed === '' ? [] : printed.split('\n');
  return new Map([...asked].map((expression, i) => [expression, BigInt(values[i] ?? '')]));
}

const printing = (headers: readonly string[], expressions: readonly string[]) => `
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
${headers.map((header) => `#include <${header}>`).join('\n')}
int main(void) {
${expressions.map((it) => `  printf("%lld\\n", (long long)(${it})); /*${it}*/`).join('\n')}
  return 0;
}
`;
