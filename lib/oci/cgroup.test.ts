/** Where a container's cgroup is, as the kernel tells it of the container's process. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { detectSite } from '../cgroups/site.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMembership, V2 } from '../observe/membership.ts';
import { COMMAND_LINE, makeBundle } from './bundle.fixture.ts';

itNeeds(
  ['root', 'cgroup-v2'],
  'in version 2 it lies beside that of whoever makes it, which has processes, and not below',
  async () => {
    await using bundle = makeBundle();
    const { box, directory, id, root } = bundle;
    bundle.configure(({ process, linux }) => {
      process.args = ['sleep', '100'];
      delete (linux as { cgroupsPath?: string }).cgroupsPath;
    });
    const outer = join(detectSite(id).layout.v2 ?? '', id.replace('test', 'around'));
    const ours = join(outer, 'ours');
    mkdirSync(ours, { recursive: true });
    try {
      const create = [...COMMAND_LINE, '--root', root, 'create', '-b', directory, id];
      const script = 'echo 0 > "$0/cgroup.procs" && exec "$@"';
      // What it leaves running would hold a pipe open.
      const { status } = spawnSync('sh', ['-c', script, ours, ...create], { stdio: 'ignore' });
      expect(status).toBe(0);
      const { pid } = JSON.parse((await box('state', id)).stdout) as { pid: number };
      expect(readMembership(pid)[V2]).toBe(`/${id.replace('test', 'around')}/${id}`);
    } finally {
      await box('delete', '--force', id);
      for (const made of [ours, outer]) rmdirSync(made);
    }
  },
);
