/** What it sees of the host, and what it may write to. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Case, scratch, sh } from '../case.ts';

export const fileCases: readonly Case[] = [
  {
    name: 'volumes, one of them read-only',
    async prove(engine, { directory }) {
      const [written, read] = [scratch(directory), scratch(directory)];
      writeFileSync(join(read, 'file'), 'from the host');
      const volumes = [
        { from: written, to: '/written' },
        { from: read, to: '/read', readOnly: true },
        { from: join(read, 'file'), to: '/etc/as-a-file', readOnly: true },
      ];
      const argv = sh(
        'cat /read/file /etc/as-a-file > /written/copy; echo > /read/no || echo > /etc/as-a-file',
      );
      const { code } = await engine.run({ argv, volumes });
      assert.equal(readFileSync(join(written, 'copy'), 'utf8'), 'from the hostfrom the host');
      assert.notEqual(code, 0, 'what is read-only could be written to');
      assert.deepEqual(readdirSync(read), ['file']);
    },
  },
  {
    name: 'read-only root',
    async prove(engine) {
      const argv = sh('touch /new && exit 1; touch /dev/shm/new || touch /dev/new');
      const { code, stderr } = await engine.run({ argv, readOnly: true });
      assert.match(stderr, /Read-only file system/);
      assert.equal(code, 0);
    },
  },
];
