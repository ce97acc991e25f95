import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect } from 'vitest';
import { removeTree } from '../host/remove-tree.ts';
import { withHost } from '../host/with-host.ts';
import type { Command } from '../image/build/execute.ts';
import { makeInitLayer } from '../image/init-layer.ts';
import { findUser } from '../image/user.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { namespaceInode } from '../observe/namespaces.ts';
import { processesWithEnv } from '../observe/process.ts';
import { changes } from '../overlay/changes.ts';
import { overlayAction } from '../overlay/mount.ts';
import { plainOptions, usableForm } from '../overlay/plan.ts';
import { ensureRootfs } from '../rootfs/rootfs-cache.ts';
import { executeInContainer } from './build-step.ts';

let state: string;
let base: string;
beforeAll(async () => {
  // Not below /tmp, which may be an overlay or a tmpfs: an upper cannot lie on the former.
  state = mkdtempSync('/var/tmp/unboxed-runtime-');
  base = (await ensureRootfs(state)).path;
});
afterAll(() => removeTree(state));

interface Ran {
  exit: Awaited<ReturnType<typeof executeInContainer>>;
  output: string;
  changed: string[];
}

/** Runs over the base layer, and tells what it wrote and changed. */
async function run(
  argv: string[],
  options: Partial<Command> & { who?: string } = {},
): Promise<Ran> {
  return withHost('build-test', state, async (host) => {
    const at = (name: string) => join(host.directory, name);
    for (const name of ['upper', 'work', 'merged', 'init']) mkdirSync(at(name));
    const init = await makeInitLayer({
      ...{ lowers: [base], directory: at('init'), run: 'build-test-init', state },
    });
    const [upper, root] = [at('upper'), at('merged')];
    const lowers = [init, base];
    await host.do(
      overlayAction({
        lowers,
        upper,
        work: at('work'),
        target: root,
        options: plainOptions(usableForm()),
      }),
    );
    let output = '';
    const { who = '', ...rest } = options;
    const exit = await executeInContainer({
      ...{ host, root, argv, env: { PATH: '/usr/bin:/bin' }, cwd: '/', network: 'none' },
      user: findUser(root, who),
      onOutput: (chunk) => {
        output += chunk;
      },
      ...rest,
    });
    return { exit, output, changed: changes(upper, lowers).map((it) => `${it.kind} ${it.path}`) };
  });
}

const sh = (command: string, options = {}) => run(['/bin/sh', '-c', command], options);

itNeeds(
  ['root', 'overlay'],
  'only what the command itself has changed is in the layer',
  async () => {
    const { exit, changed } = await sh(
      'echo x > /tmp/new; rm /etc/passwd; echo y > /dev/shm/z; cat /etc/hosts /etc/resolv.conf',
    );
    expect(exit).toEqual({ code: 0 });
    expect(changed).toEqual(['C /etc', 'D /etc/passwd', 'C /tmp', 'A /tmp/new']);
  },
);

itNeeds(
  ['root', 'overlay'],
  'namespaces are its own; the network is, unless it is shared',
  async () => {
    const kinds = ['mnt', 'pid', 'uts', 'ipc', 'net'];
    const look = `for k in ${kinds.join(' ')}; do readlink /proc/self/ns/$k; done`;
    const inode = (kind: 'mount' | 'pid' | 'uts' | 'ipc' | 'network') =>
      namespaceInode('self', kind);
    const ours = (['mount', 'pid', 'uts', 'ipc', 'network'] as const).map(inode).map(String);
    const inodes = ({ output }: Ran) => [...output.matchAll(/\[(\d+)\]/g)].map(([, it = '']) => it);
    const apart = inodes(await sh(look));
    expect(apart).toHaveLength(5);
    expect(apart.filter((each) => ours.includes(each))).toEqual([]);
    const shared = inodes(await sh(look, { network: 'host' }));
    expect(shared.filter((each) => ours.includes(each))).toEqual([ours[4]]);
  },
);

itNeeds(['root', 'overlay'], 'its mounts are its own, and the host is not below them', async () => {
  const { output } = await sh('cut -d " " -f 5,6 /proc/self/mountinfo');
  const mounts = output.trim().split('\n');
  expect(mounts.filter((line) => line.startsWith('/ '))).toHaveLength(1);
  expect(mounts.filter((line) => !/^\/(proc|sys|dev|etc\/\w|$| )/.test(line))).toEqual([]);
  expect(mounts).toContainEqual(expect.stringMatching(/^\/sys ro,/));
});

itNeeds(['root', 'overlay'], 'it has names, devices and groups as asked', async () => {
  const user = { uid: 5, gid: 6, groups: [7, 9], home: '/' };
  const { output } = await sh(
    'hostname; grep -c build /etc/hosts /etc/hostname; stat -c "%a %t:%T" /dev/null /dev/shm; grep Groups /proc/self/status',
    { user },
  );
  expect(
    output
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual(['build', '/etc/hosts:1', '/etc/hostname:1', '666 1:3', '1777 0:0', 'Groups:\t7 9']);
});

itNeeds(['root', 'overlay'], 'root in it may do what Docker’s may, and no more', async () => {
  const { output } = await sh(
    'grep CapBnd /proc/self/status; mount -t tmpfs x /tmp; echo 1 > /proc/sys/vm/swappiness; cat /proc/keys | wc -c; cat /dev/full | head -c 1 | wc -c',
  );
  expect(output).toContain('00000000a80425fb');
  expect(output).toMatch(/mount: .*denied|permission/i);
  expect(output).toMatch(/Read-only file system/);
  expect(output.trim().split('\n').slice(-2)).toEqual(['0', '1']);
});

itNeeds(['root', 'overlay'], 'user, directory, environment and exit are as asked', async () => {
  const { output, exit } = await sh('id -u; id -g; pwd; echo $A; umask; exit 7', {
    ...{ who: 'nobody', cwd: '/tmp', env: { PATH: '/bin', A: 'b c' } },
  });
  expect(output).toBe('65534\n65534\n/tmp\nb c\n0022\n');
  expect(exit).toEqual({ code: 7 });
});

itNeeds(
  ['root', 'overlay'],
  'a command is found along PATH, and one that is not is named',
  async () => {
    expect((await run(['echo', 'found'])).output).toBe('found\n');
    await expect(run(['nonesuch'])).rejects.toThrow(
      'nonesuch: not in /usr/bin:/bin of the image, or what it is to be run by is not',
    );
  },
);

itNeeds(
  ['root', 'overlay'],
  'what it leaves running ends with it, and an abort ends it',
  async () => {
    const { output } = await sh('sleep 1000 & echo $!');
    expect(output).toMatch(/^\d+\n$/);
    const controller = new AbortController();
    const onOutput = () => controller.abort(new Error('enough'));
    const running = sh('echo on; sleep 1000', { signal: controller.signal, onOutput });
    await expect(running).rejects.toThrow('enough');
    expect(processesWithEnv('container', 'build-test')).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(state);
  },
);

itNeeds(
  ['root', 'overlay', 'unshare', 'ldd'],
  'on a host whose mounts are shared, none of its own gets there',
  async () => {
    const directory = mkdtempSync('/var/tmp/unboxed-shared-');
    try {
      const step = fileURLToPath(new URL('build-step.fixture.ts', import.meta.url));
      const text = 'FROM unboxed/base\nRUN cut -d " " -f 5- /proc/self/mountinfo\n';
      const shared = ['--mount', '--propagation', 'shared', process.execPath, step];
      const { stdout } = await execa('unshare', [...shared, directory, text]);
      const mounts = stdout.split('\n').filter((line) => line.startsWith('/'));
      expect(mounts.length).toBeGreaterThan(10);
      expect(mounts.filter((line) => /shared:|master:/.test(line))).toEqual([]);
    } finally {
      removeTree(directory);
    }
  },
);
