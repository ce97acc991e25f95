import { describe, expect, it } from 'vitest';
import type { RuntimeFunction } from '../container/runtime.ts';
import type { Action } from '../host/action.ts';
import { launch } from '../launch/program.ts';
import type { JoinFunction } from './lab.ts';
import { isGood, judgeLab } from './mutant-verdict.ts';
import { listMutants } from './mutants.ts';

const action = (name: string): Action => ({ name, does: [], undoes: [], seen: { path: '/' } });

const runtime: RuntimeFunction = ({ id, rootfs, argv, env }) => ({
  prepare: [action(`directory of ${id}`), action('bridge')],
  program: launch({ namespaces: ['mount', 'pid'] }, (call) => {
    call.chroot(rootfs);
    call.gate('network');
    call.execve(argv[0] ?? '', argv, env);
  }),
  connect: (pid) => [action(`link of ${pid}`)],
});

const join: JoinFunction = ({ namespaces, argv, env }) =>
  launch({}, (call) => {
    if (namespaces.includes('pid')) call.fork(0);
    call.chdir('/');
    call.execve(argv[0] ?? '', argv, env);
  });

const CONTAINER = {
  id: 'real',
  rootfs: '/real',
  hostname: 'box',
  argv: ['/bin/true'],
  env: {},
  host: null,
} as unknown as Parameters<RuntimeFunction>[0];

describe('the mutants of a runtime', () => {
  const mutants = listMutants({ runtime, join });
  const find = (text: string) => {
    const found = mutants.find((mutant) => mutant.text.startsWith(text));
    if (!found) throw new Error(`no mutant ${text}`);
    return found.module;
  };

  it('leave out each namespace, action and line but the last', () => {
    expect(mutants.map(({ text }) => text)).toEqual([
      'namespace mount',
      'namespace pid',
      'action directory of ID',
      'action bridge',
      'action link of PID',
      'chroot("/ROOTFS")',
      'gate network',
      expect.stringMatching(/^join: clone3/),
      'join: chdir("/")',
    ]);
  });

  it('lack one thing and have everything else', () => {
    const namespaces = find('namespace mount').runtime(CONTAINER).program.namespaces;
    expect(namespaces).toEqual(['pid']);
    const lines = find('chroot').runtime(CONTAINER).program.lines;
    expect(lines.map((line) => (line.kind === 'call' ? line.call : line.kind))).toEqual([
      'gate',
      'execve',
    ]);
  });

  it('leave out an action by its place, whatever id its name holds', () => {
    const without = find('action directory').runtime(CONTAINER);
    expect(without.prepare.map(({ name }) => name)).toEqual(['bridge']);
    expect(without.connect(7)).toHaveLength(1);
    const disconnected = find('action link').runtime(CONTAINER);
    expect(disconnected.prepare).toHaveLength(2);
    expect(disconnected.connect(7)).toEqual([]);
  });

  it('leave out the same line of a join that writes down fewer', () => {
    const target = { pid: 7, argv: ['/bin/true'], env: {} };
    const shorter = find('join: chdir').join?.({ ...target, namespaces: ['mount'] });
    expect(shorter?.lines).toHaveLength(1);
    const untouched = find('join: clone3').join?.({ ...target, namespaces: ['mount'] });
    expect(untouched?.lines).toHaveLength(2);
  });
});

describe('the verdict on a mutant', () => {
  const verdictOf = (notice: string | null, unobservable: Record<string, string>) =>
    judgeLab('03', [{ text: 'chdir("/")', notice }], unobservable).map(({ verdict }) => verdict);

  it('is good when something noticed it, or the lab says why nothing can', () => {
    expect(verdictOf('check: x', {})).toEqual(['noticed']);
    expect(verdictOf(null, { 'chdir("/")': 'It is there already.' })).toEqual(['excused']);
    expect((['noticed', 'excused'] as const).every(isGood)).toBe(true);
  });

  it('is bad when nothing noticed it, or the excuse is needless', () => {
    expect(verdictOf(null, {})).toEqual(['unnoticed']);
    expect(verdictOf('check: x', { 'chdir("/")': 'Why.' })).toEqual(['excused but noticed']);
    expect(verdictOf('check: x', { gone: 'Why.' })).toEqual(['noticed', 'excused but absent']);
    const bad = ['unnoticed', 'excused but noticed', 'excused but absent'] as const;
    expect(bad.some(isGood)).toBe(false);
  });
});
