import { execFileSync, spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { itNeeds } from './it-needs.ts';
import { NAMESPACES, namespaceInode, readNamespaces } from './namespaces.ts';
import { readCmdline } from './process.ts';

itNeeds(['linux', 'stat'], 'every link names the inode that stat finds behind it', () => {
  const links = readNamespaces('self');
  for (const kind of NAMESPACES) {
    const file = links[kind]?.split(':')[0];
    if (file === undefined) continue;
    const path = `/proc/${process.pid}/ns/${file}`;
    const inode = execFileSync('stat', ['-L', '-c', '%i', path], { encoding: 'utf8' }).trim();
    expect(links[kind]).toBe(`${file}:[${inode}]`);
    expect(namespaceInode(process.pid, kind)).toBe(inode);
  }
  expect(links.mount).toMatch(/^mnt:/);
});

itNeeds(['root', 'unshare'], 'an unshared namespace differs, the others are equal', async () => {
  const child = spawn('unshare', ['--uts', '--net', 'sleep', '60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  try {
    await expect.poll(() => readCmdline(pid)[0]).toBe('sleep');
    const [ours, theirs] = [readNamespaces('self'), readNamespaces(pid)];
    const differing = NAMESPACES.filter((kind) => ours[kind] !== theirs[kind]);
    expect(differing).toEqual(['uts', 'network']);
  } finally {
    child.kill();
  }
});

it('a process that does not exist has no readable namespaces, and no inode', () => {
  const pid = 2 ** 30;
  expect(new Set(Object.values(readNamespaces(pid)))).toEqual(new Set([null]));
  expect(() => namespaceInode(pid, 'mount')).toThrow(/\/proc\/1073741824\/ns\/mnt: ENOENT/);
});
