import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { itNeeds } from '../lib/observe/it-needs.ts';

const DOCTOR = join(import.meta.dirname, 'doctor.ts');

function doctor(args: string[], prefix: string[] = [], env: Record<string, string> = {}) {
  const [file = '', ...rest] = [...prefix, process.execPath, DOCTOR, ...args];
  const { FORCE_COLOR, ...inherited } = process.env;
  return spawnSync(file, rest, { encoding: 'utf8', env: { ...inherited, ...env } });
}

it('exits with 0 when every lab is ready, with 3 when one is not, and says which', () => {
  const { stdout, status } = doctor([]);
  const lines = stdout.split('\n').filter((line) => /^ {2}lab:0\d /.test(line));
  expect(lines).toHaveLength(9);
  expect(status).toBe(lines.every((line) => line.endsWith('ready')) ? 0 : 3);
});

it('prints one JSON object with --json, which says the same', () => {
  const { stdout, status } = doctor(['--json']);
  const { facts, labs } = JSON.parse(stdout);
  expect(facts.architecture).toBe(process.arch);
  const isFree = (each: { blockers: unknown[] }) => each.blockers.length === 0;
  expect(labs.every(isFree)).toBe(status === 0);
});

it('refuses an unknown flag or a stray word in one line, with 2', () => {
  for (const word of ['--colour', 'lab']) {
    const { stdout, stderr, status } = doctor([word]);
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toMatch(new RegExp(`^doctor: .*${word}.*usage: .*\n$`));
  }
});

it('writes no colour codes into a pipe', () => {
  expect(doctor([]).stdout).not.toContain('\x1b');
});

itNeeds(['root', 'unshare', 'ip'], 'names a missing tool and what installs it', () => {
  const hide = 'mount --bind /dev/null "$(readlink -f "$(command -v ip)")"; exec "$@"';
  const { stdout, status } = doctor([], ['unshare', '-m', 'sh', '-c', hide, 'sh'], {
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  });
  expect(status).toBe(3);
  expect(stdout).toMatch(/ lab:05 {2}blocked\n {4}ip: missing\n {6}→ .*iproute/);
  expect(stdout).toMatch(/ lab:06 {2}blocked\n {4}ip: missing \(see above\)/);
});

itNeeds(
  ['userns', 'unshare', 'setpriv'],
  'says what closes the way to somebody without rights',
  () => {
    const script =
      'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set -all "$@"';
    const { stdout, status } = doctor(['--json'], ['unshare', '-Ur', 'sh', '-c', script, 'sh']);
    const { labs, runsAs } = JSON.parse(stdout);
    expect({ status, runsAs }).toEqual({ status: 3, runsAs: null });
    expect(labs[0]).toEqual({ lab: '00', blockers: [] });
    const ids = labs[1].blockers.map(({ id }: { id: string }) => id);
    expect(ids.some((id: string) => id === 'privilege' || id === 'container')).toBe(true);
  },
);
