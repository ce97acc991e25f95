import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itNeeds } from '../lib/observe/it-needs.ts';

const SCRIPT = fileURLToPath(new URL('vm-box.ts', import.meta.url));
const BUILDER = ['mmdebstrap', 'qemu-img', 'mke2fs', 'getcap', 'xz', 'npm', 'apt-get'] as const;

describe('vm:box', () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'unboxed-cache-'));
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  function run(args: string[], env: Record<string, string> = {}) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
      encoding: 'utf8',
      env: { ...process.env, UNBOXED_CACHE: cache, ...env },
    });
    return { status, output: stdout + stderr };
  }

  it('says in one line what is wrong with the call, and ends with 2', () => {
    for (const args of [['--arch', 'riscv64'], ['--provider', 'docker'], ['--fast'], ['now']]) {
      const { status, output } = run(args);
      expect(status).toBe(2);
      expect(output).toMatch(/^vm:box: .*; usage: npm run vm:box.*\n$/);
    }
  });

  it('names every tool that is missing, and the packages, before it begins', () => {
    const { status, output } = run([], { PATH: '/nonexistent' });
    expect(status).toBe(3);
    expect(output).toMatch(/^vm:box: not installed: mmdebstrap, .*qemu-img/);
    expect(output).toMatch(/apt-get install mmdebstrap .*qemu-utils/);
    expect(readdirSync(cache)).toEqual([]);
  });

  itNeeds(
    BUILDER.map((name) => `command:${name}` as const),
    'says before it begins that there is no space, and what to do',
    () => {
      // A filesystem that has no room at all, on every Linux.
      const { status, output } = run([], { UNBOXED_CACHE: '/proc/unboxed' });
      expect(status).toBe(3);
      expect(output).toMatch(/\/proc has 0\.0 GB free, a build takes .* GB; set UNBOXED_CACHE/);
    },
  );
});
