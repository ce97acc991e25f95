import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { removeTree } from './remove-tree.ts';

const MODULE = fileURLToPath(new URL('detach.ts', import.meta.url));

/** In a mount namespace whose mounts are shared, but with nobody outside it. */
function mountPointsAfter(script: string, place: string, detach: string): string[] {
  const program = `import { detachMountsBelow } from ${JSON.stringify(MODULE)};
    import { readFileSync } from 'node:fs';
    detachMountsBelow(process.argv[1]);
    console.log(readFileSync('/proc/self/mountinfo', 'utf8'));`;
  const line = `mount --make-rshared / && ${script} && exec "$0" --input-type=module -e "$1" "$2"`;
  const shell = ['sh', '-ec', line, process.execPath, program, detach];
  const table = execFileSync('unshare', ['-m', '--propagation', 'private', ...shell], {
    cwd: place,
    encoding: 'utf8',
  });
  return table.split('\n').flatMap((mount) => mount.split(' ')[4] ?? []);
}

itNeeds(
  ['root', 'unshare'],
  'detaching a recursive bind of a shared / leaves /proc mounted',
  () => {
    const place = mkdtempSync(join(tmpdir(), 'unboxed-test-'));
    const top = join(place, 'top');
    mkdirSync(join(top, 'all'), { recursive: true });
    const after = mountPointsAfter('mount --rbind / top/all', place, top);
    expect(after).toContain('/proc');
    expect(after.filter((point) => point.startsWith(place))).toEqual([]);
    removeTree(place);
  },
);
