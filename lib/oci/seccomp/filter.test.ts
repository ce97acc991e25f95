import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM } from '../../kernel/constants.ts';
import { findCommand } from '../../observe/command.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import type { Seccomp, SeccompRule } from '../spec.ts';
import { AUDIT_ARCH } from './architectures.ts';
import { dumpFilter } from './dump-filter.fixture.ts';
import { compileFilter } from './filter.ts';
import { defaultProfile, rule } from './profile.fixture.ts';
import { simulate } from './simulate.fixture.ts';
import { numberOf } from './syscall-numbers.ts';

const directory = mkdtempSync(join(tmpdir(), 'unboxed-seccomp-'));
afterAll(() => rmSync(directory, { recursive: true }));

const [ALLOW, ERRNO, KILL] = [0x7fff0000, 0x50000, 0];
const X86 = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

describe('a filter', () => {
  itNeeds(['root', 'x64', 'runc', 'busybox', 'cc'], 'answers as runc’s does', async () => {
    const profile = defaultProfile(X86);
    expect(differing(profile, await filterOfRunc(profile), [])).toEqual([]);
  });

  itNeeds(['root', 'x64', 'runc', 'busybox', 'cc'], 'orders rules as runc’s does', async () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: X86,
      syscalls: [
        rule('syslog', 'ERRNO', [], 5),
        rule('syslog', 'ERRNO', [[0, 'EQ', 2]], 6),
        rule('acct', 'ERRNO', [[0, 'EQ', 2]], 6),
        rule('acct', 'ERRNO', [], 5),
        rule('swapoff', 'ERRNO', [[0, 'GT', 2]], 6),
        rule('swapoff', 'ERRNO', [[0, 'GT', 1]], 7),
        rule('mount', 'ERRNO', [
          [0, 'GE', 0x180000000],
          [1, 'LT', 0x280000000],
          [2, 'MASKED_EQ', 0xff00ff00ff, 0x1200340056],
        ]),
        rule('umount2', 'ERRNO', [
          [0, 'LE', 16],
          [0, 'NE', 9],
        ]),
        rule('quotactl', 'ERRNO', [[0, 'MASKED_EQ', 0xf0, 0x1f0]]),
        rule('vhangup', 'KILL_PROCESS'),
        rule('setdomainname', 'LOG'),
        rule('sethostname', 'TRAP'),
        rule('reboot', 'TRACE', [], 77),
        rule('settimeofday', 'KILL'),
        rule('semop', 'ERRNO', [], 44),
        rule('bind', 'ERRNO', [], 46),
      ],
    };
    const others = [
      [2n, 2n, 0n],
      [0x180000000n, 0x27fffffffn, 0x1200340056n],
      [0x17fffffffn, 0x27fffffffn, 0x1200340056n],
      [0x180000000n, 0x280000000n, 0x1200340056n],
      [0x180000000n, 0x27fffffffn, 0xff1200340056n],
      [0x180000000n, 0x27fffffffn, 0x1300340056n],
      [9n],
      [17n],
      [0xf0n],
    ];
    expect(differing(profile, await filterOfRunc(profile), others)).toEqual([]);
  });

  it('kills whoever comes through an interface that is not listed', () => {
    const ours = compileFilter({ defaultAction: 'SCMP_ACT_ALLOW' }, 'x64');
    expect(simulate(ours, { arch: AUDIT_ARCH['x86-64'], nr: 1 })).toBe(ALLOW);
    expect(simulate(ours, { arch: AUDIT_ARCH.x86, nr: 1 })).toBe(KILL);
    expect(simulate(ours, { arch: AUDIT_ARCH.x32, nr: 0x40000001 })).toBe(KILL);
    expect(simulate(ours, { arch: AUDIT_ARCH.x32, nr: 0xffffffff })).toBe(ALLOW);
    const named = { defaultAction: 'SCMP_ACT_ALLOW', architectures: X86 };
    expect(simulate(compileFilter(named, 'x64'), { arch: AUDIT_ARCH.x86, nr: 1 })).toBe(ALLOW);
  });

  it('on arm64 has the numbers of arm64 and arm', () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM', 'SCMP_ARCH_MIPS'],
      syscalls: [rule('write', 'ALLOW'), rule('mseal', 'ALLOW')],
    };
    const ours = compileFilter(profile, 'arm64');
    expect(simulate(ours, { arch: AUDIT_ARCH_AARCH64, nr: 64 })).toBe(ALLOW);
    expect(simulate(ours, { arch: AUDIT_ARCH_ARM, nr: 4 })).toBe(ALLOW);
    expect(simulate(ours, { arch: AUDIT_ARCH_ARM, nr: 64 })).toBe(ERRNO | 1);
    expect(simulate(ours, { arch: AUDIT_ARCH['x86-64'], nr: 1 })).toBe(KILL);
  });

  it('says of what is newer than its rules that it does not exist', () => {
    const rules = [rule('read', 'ALLOW'), rule('openat2', 'ALLOW')];
    const beyond = (defaultAction: string) => {
      const ours = compileFilter({ defaultAction, syscalls: rules }, 'x64');
      return [436, 438].map((nr) => simulate(ours, { arch: AUDIT_ARCH['x86-64'], nr }));
    };
    expect(beyond('SCMP_ACT_ERRNO')).toEqual([ERRNO | 1, ERRNO | 38]);
    expect(beyond('SCMP_ACT_KILL_PROCESS')).toEqual([0x80000000, ERRNO | 38]);
    expect(beyond('SCMP_ACT_LOG')).toEqual([0x7ffc0000, 0x7ffc0000]);
  });

  it('reaches answers farther away than a conditional jump does', () => {
    const values = Array.from({ length: 700 }, (_, i) => i);
    const rules = values.map((value) => rule('prctl', 'ERRNO', [[1, 'EQ', value]], value + 1));
    const ours = compileFilter({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }, 'x64');
    const answers = [...values, 5000].map((value) =>
      simulate(ours, { arch: AUDIT_ARCH['x86-64'], nr: 157, args: [0n, BigInt(value)] }),
    );
    expect(answers).toEqual([...values.map((value) => ERRNO | (value + 1)), ALLOW]);
  });

  it('does not let a socket be made on x86 behind the back of a rule', () => {
    const rules = [rule('socket', 'ERRNO', [[0, 'EQ', 40]], 97)];
    const answer = (defaultAction: string, syscalls: SeccompRule[], args: bigint[]) =>
      simulate(compileFilter({ defaultAction, architectures: X86, syscalls }, 'x64'), {
        arch: AUDIT_ARCH.x86,
        nr: numberOf('socketcall', 'x86') ?? 0,
        args,
      });
    expect(answer('SCMP_ACT_ALLOW', rules, [1n])).toBe(ERRNO | 97);
    expect(answer('SCMP_ACT_ALLOW', rules, [2n])).toBe(ALLOW);
    expect(answer('SCMP_ACT_ERRNO', [rule('socket', 'ALLOW', [[0, 'EQ', 1]])], [1n])).toBe(
      ERRNO | 1,
    );
    expect(answer('SCMP_ACT_ERRNO', [rule('socket', 'ALLOW')], [1n])).toBe(ALLOW);
  });

  it.each<[string, Partial<Seccomp>]>([
    ['linux.seccomp.defaultAction: "KILL" is no action', { defaultAction: 'KILL' }],
    ['takes no errno, but 5 is given', { defaultErrnoRet: 5, defaultAction: 'SCMP_ACT_KILL' }],
    ['architectures[0]: "x86" is no architecture', { architectures: ['x86'] }],
    ['syscalls[0].args[0].op: "SCMP_CMP_IS"', { syscalls: [rule('read', 'LOG', [[0, 'IS', 1]])] }],
    ['args[0].index: 6 is no argument', { syscalls: [rule('read', 'LOG', [[6, 'EQ', 1]])] }],
    [
      'args[0].value: -1 is not a whole number',
      { syscalls: [rule('read', 'LOG', [[0, 'EQ', -1]])] },
    ],
    ['a filter of', { syscalls: many(2000) }],
  ])('is refused: %s', (message, given) => {
    const profile = { defaultAction: 'SCMP_ACT_ERRNO', ...given };
    expect(() => compileFilter(profile, 'x64')).toThrow(message);
  });
});

describe('the numbers', () => {
  itNeeds(['x64', 'cc'], 'are those of libseccomp', () => {
    const library = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'].map(
      (it) => `${it}/libseccomp.so.2`,
    );
    const source = join(directory, 'resolve.c');
    writeFileSync(source, RESOLVE);
    const found = library.find((it) => tryBuild(source, it));
    if (!found) return;
    const text = execFileSync(join(directory, 'resolve'), { input: namesToResolve().join('\n') });
    const theirs = text.toString().trim().split('\n');
    const abis = ['x86-64', 'x86', 'x32', 'arm64', 'arm'] as const;
    const wrong = theirs.flatMap((line) => {
      const [name = '', ...numbers] = line.split(' ');
      return numbers.flatMap((it, i) => {
        const [abi = 'x86', number] = [abis[i], Number(it)];
        const ours = numberOf(name, abi);
        return number >= 0 && number !== ours ? [`${name} ${abi}: ${number}, here ${ours}`] : [];
      });
    });
    expect(wrong).toEqual([]);
  });
});

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => rule('read', 'ERRNO', [[0, 'EQ', i]], 1 + (i % 99)));

/** Every number of every interface, with arguments that rules compare: what the two say differently. */
function differing(profile: Seccomp, theirs: Uint8Array, others: bigint[][]): string[] {
  const ours = compileFilter(profile, 'x64');
  const values = [
    [0n],
    [16n, 0n, 9n],
    [16n],
    [1n, 0n, 9n],
    [8n],
    [2n],
    [1n],
    [10n],
    [3n],
    [131072n],
  ];
  const wrong: string[] = [];
  for (const arch of [AUDIT_ARCH['x86-64'], AUDIT_ARCH.x86, AUDIT_ARCH.arm64]) {
    for (const first of [0, 0x40000000]) {
      for (let nr = first - 1; nr < first + 600; nr++) {
        for (const args of [...values, ...others]) {
          const [a, b] = [ours, theirs].map((it) => simulate(it, { arch, nr, args }));
          if (a !== b) wrong.push(`${arch.toString(16)} ${nr}(${args}): ${a}, runc ${b}`);
        }
      }
    }
  }
  return wrong;
}

async function filterOfRunc(seccomp: Seccomp): Promise<Uint8Array> {
  const bundle = mkdtempSync(join(directory, 'bundle-'));
  mkdirSync(join(bundle, 'rootfs'));
  copyFileSync(findCommand('busybox') ?? '', join(bundle, 'rootfs/busybox'));
  execFileSync('runc', ['spec', '--bundle', bundle]);
  const config = join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(config, 'utf8'));
  spec.process.terminal = false;
  spec.process.args = ['/busybox', 'sleep', '30'];
  spec.linux.seccomp = seccomp;
  writeFileSync(config, JSON.stringify(spec));
  const id = `unboxed-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const root = ['--root', join(directory, 'runc')];
  const run = spawn('runc', [...root, 'run', '--bundle', bundle, id], { stdio: 'ignore' });
  const ended = new Promise((resolve) => run.once('exit', resolve));
  try {
    for (;;) {
      await delay(50);
      if (run.exitCode !== null) throw new Error(`runc run: exit ${run.exitCode}`);
      try {
        const state = execFileSync('runc', [...root, 'state', id], { stdio: 'pipe' }).toString();
        const { pid, status } = JSON.parse(state);
        if (status === 'running') return dumpFilter(pid, directory);
      } catch (error) {
        if (!String(error).includes('does not exist')) throw error;
      }
    }
  } finally {
    run.kill('SIGKILL');
    execFileSync('runc', [...root, 'delete', '--force', id]);
    await ended;
  }
}

function tryBuild(source: string, library: string): boolean {
  try {
    const args = ['-o', join(directory, 'resolve'), source, library];
    execFileSync('cc', args, { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const namesToResolve = () =>
  readFileSync(join(import.meta.dirname, 'syscall-numbers.ts'), 'utf8')
    .split('\n')
    .flatMap((line) => /^(\w+)( (\d+|-)){4}$/.exec(line)?.[1] ?? []);

const RESOLVE = `
#include <stdio.h>
#include <string.h>
extern int seccomp_syscall_resolve_name_arch(unsigned, const char *);
int main(void) {
  unsigned archs[] = {0xc000003e, 0x40000003, 0x4000003e, 0xc00000b7, 0x40000028};
  char line[200];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\\n")] = 0;
    printf("%s", line);
    for (int i = 0; i < 5; i++) printf(" %d", seccomp_syscall_resolve_name_arch(archs[i], line));
    puts("");
  }
  return 0;
}
`;
