/** Without root: in a user namespace, with `user.overlay` attributes, on lines of a launch program. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { mountOverlay } from './mount.ts';
import { planLayers } from './plan.ts';
import { isOpaque, isWhiteout } from './whiteout.ts';

const SCRIPT = 'cd "$1" && rm gone && rm -r dir && mkdir dir && echo mine > written';

/** What root in a user namespace, uid 1000 outside, does to an overlay of directories of its own. */
async function changeInNamespace(directory: string): Promise<string> {
  const plan = planLayers(`${directory}/1`, [`${directory}/lower`], 'user');
  const program = launch({ namespaces: ['user', 'mount'] }, (call) => {
    call.gate('id maps');
    mountOverlay(call, { ...plan, target: plan.merged });
    call.execve('/bin/sh', ['sh', '-ec', SCRIPT, 'sh', plan.merged], { PATH: '/usr/bin:/bin' });
  });
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const { exit, stdout, stderr } = await capture(program, {
    atGate: async (_gate, pid) => {
      writeFileSync(`/proc/${pid}/setgroups`, 'deny');
      writeFileSync(`/proc/${pid}/uid_map`, `0 ${uid} 1`);
      writeFileSync(`/proc/${pid}/gid_map`, `0 ${gid} 1`);
    },
  });
  expect(exit.code, stdout + stderr).toBe(0);
  return plan.upper;
}

itNeeds(['userns', 'overlay'], 'in a user namespace the marks are the user’s own', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-rootless-'));
  try {
    for (const name of ['lower/dir', '1/upper', '1/work', '1/merged']) {
      mkdirSync(`${directory}/${name}`, { recursive: true });
    }
    for (const name of ['gone', 'written', 'dir/old']) {
      writeFileSync(`${directory}/lower/${name}`, 'below\n');
    }
    const upper = await changeInNamespace(directory);
    expect(readdirSync(upper).sort()).toEqual(['dir', 'gone', 'written']);
    expect(isWhiteout(`${upper}/gone`, { form: 'user' })).toBe(true);
    expect([isOpaque(`${upper}/dir`, 'user'), isOpaque(`${upper}/dir`, 'trusted')]).toEqual([
      true,
      false,
    ]);
    expect(readFileSync(`${upper}/written`, 'utf8')).toBe('mine\n');
    expect(readFileSync(`${directory}/lower/written`, 'utf8')).toBe('below\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
