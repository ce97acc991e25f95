import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { kernel } from './call.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_IN_ROOT } from './constants.ts';
import { openWithin } from './open-within.ts';
import { encodeOpenHow } from './structs.ts';
import { SyscallError } from './syscall-error.ts';

/** Renames a directory there and back, as fast as it can. */
const RESTLESS = `
  const { renameSync } = require('node:fs');
  process.stdout.write('begun');
  for (;;) { renameSync('here', 'there'); renameSync('there', 'here'); }
`;

itNeeds(['linux'], 'a path that climbs is opened while others rename what they have', async () => {
  const root = mkdtempSync(join(tmpdir(), 'unboxed-within-'));
  for (const name of ['bin', 'usr', 'here']) mkdirSync(join(root, name));
  symlinkSync('../bin', join(root, 'usr/bin'));
  const directory = openSync(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const how = encodeOpenHow({ flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT });
  const restless = spawn(process.execPath, ['-e', RESTLESS], { cwd: root, stdio: 'pipe' });
  const ended = once(restless, 'exit');
  try {
    await once(restless.stdout, 'data');
    expect(untilRefused(() => kernel.openat2(directory, 'usr/bin', how))).toBe('EAGAIN');
    for (let i = 0; i < 20_000; i++) closeSync(openWithin(directory, 'usr/bin', how));
  } finally {
    restless.kill('SIGKILL');
    await ended;
    closeSync(directory);
    rmSync(root, { recursive: true });
  }
});

function untilRefused(open: () => number): string {
  for (let i = 0; i < 5_000_000; i++) {
    try {
      closeSync(open());
    } catch (error) {
      if (error instanceof SyscallError) return error.code;
      throw error;
    }
  }
  return 'never';
}
