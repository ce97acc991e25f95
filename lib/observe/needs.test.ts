import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { findCommand, readCommand } from './command.ts';
import { itNeeds } from './it-needs.ts';
import { type Need, needs } from './needs.ts';

const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
});

it('a command is found where the shell finds it', () => {
  const shell = String(execFileSync('sh', ['-c', 'command -v stat'])).trim();
  expect(findCommand('stat')).toBe(shell);
  expect(needs('command:stat', 'stat')).toEqual({ met: true, reason: '' });
});

it('a directory or a plain file on PATH is no command', () => {
  const directory = mkdtempSync(join(tmpdir(), 'needs-'));
  try {
    mkdirSync(join(directory, 'folder-not-command'));
    writeFileSync(join(directory, 'file-not-command'), '');
    process.env.PATH = directory;
    expect(findCommand('folder-not-command')).toBeNull();
    expect(findCommand('file-not-command')).toBeNull();
    chmodSync(join(directory, 'file-not-command'), 0o755);
    expect(findCommand('file-not-command')).toBe(join(directory, 'file-not-command'));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it('everything that is missing is named, and nothing that is there', () => {
  const { met, reason } = needs('command:no-such-a', 'stat', 'command:no-such-b');
  expect(met).toBe(false);
  expect(reason).toBe(
    'command:no-such-a: no-such-a is not installed; command:no-such-b: no-such-b is not installed',
  );
});

it('a misspelt need is an error, so that a test cannot be skipped by accident', () => {
  expect(() => needs('rooot' as Need)).toThrow(/no such name: rooot/);
});

itNeeds(['root', 'setpriv'], 'root without CAP_SYS_ADMIN, and another user, are not root', () => {
  const look = (...how: string[]) => {
    const script = `import { needs } from '${import.meta.dirname}/needs.ts';
      console.log(needs('root').reason)`;
    const node = [process.execPath, '--input-type=module', '-e', script];
    return String(execFileSync('setpriv', [...how, ...node]));
  };
  expect(look('--bounding-set=-sys_admin')).toMatch(/CAP_SYS_ADMIN is missing/);
  expect(look()).toBe('\n');
});

itNeeds(['root', 'unshare'], 'what `overlay` and `userns` promise can be done', () => {
  if (needs('userns').met) execFileSync('unshare', ['--user', 'true']);
  if (!needs('overlay').met) return;
  const mount = 'mount -t overlay none /mnt -o lowerdir=/usr:/etc && test -e /mnt/passwd';
  execFileSync('unshare', ['--mount', 'sh', '-ec', mount]);
});

it('a command that fails is an error with its words and its command line', () => {
  expect(() => readCommand('ls', ['/no/such/place'])).toThrow(
    /ls \/no\/such\/place: .*No such file or directory/,
  );
  expect(() => readCommand('no-such-command', [])).toThrow(/no-such-command: no such command/);
});
