import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { openPty } from '../launch/pty.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { readMountinfo } from '../observe/mountinfo.ts';
import { copyRootfs } from '../rootfs/copy-rootfs.ts';
import { HOST_COMMANDS } from '../rootfs/host-commands.ts';
import { ensureRootfs } from '../rootfs/rootfs-cache.ts';

const PATH = 'PATH=/bin';
const SOURCE = fileURLToPath(new URL('box-runtime.ts', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/box-runtime', import.meta.url));

/** The same command line in both of its forms; the second is started as where there is no Node. */
const forms: { form: string; argv: [string, ...string[]]; env: NodeJS.ProcessEnv }[] = [
  { form: 'the source', argv: [process.execPath, SOURCE], env: process.env },
  { form: 'dist/box-runtime', argv: [BUILT], env: { PATH: '/nowhere' } },
];

function whyNot(form: string): string | null {
  if (form === 'the source') return null;
  const built = statSync(BUILT, { throwIfNoEntry: false });
  if (!built) return 'dist/box-runtime is not built: npm run build';
  const lib = fileURLToPath(new URL('..', import.meta.url));
  const changed = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
    .some((name) => statSync(join(lib, name)).mtimeMs > built.mtimeMs);
  return changed ? 'dist/box-runtime is older than the source: npm run build' : null;
}

/** One root for all: each copies it. */
let cache = '';
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'unboxed-runtime-'));
});
afterAll(() => rmSync(cache, { recursive: true }));

describe.each(forms)('$form', ({ form, argv, env }) => {
  let base = '';
  let id = '';

  beforeEach(async (context) => {
    const missing = whyNot(form);
    if (missing) context.skip(missing);
    base = mkdtempSync(join(tmpdir(), 'unboxed-runtime-'));
    id = `unboxed-test-${process.pid}-${Math.floor(performance.now())}`;
    mkdirSync(join(base, 'state'), { mode: 0o700 });
    const commands = [...HOST_COMMANDS, 'stty'];
    const root = await ensureRootfs(cache, { commands });
    await copyRootfs(root.path, join(base, 'rootfs'));
  });

  afterEach(() => {
    if (base === '') return;
    box('delete', '--force', id);
    rmSync(base, { recursive: true });
    base = '';
  });

  /** Its output goes to files: a container that is left waiting would keep pipes open. */
  function box(...args: string[]) {
    const [program, ...before] = argv;
    const [stdout, stderr] = [join(base, 'stdout'), join(base, 'stderr')];
    const stdio = ['ignore' as const, openSync(stdout, 'w'), openSync(stderr, 'w')];
    const { status } = spawnSync(program, [...before, '--root', join(base, 'state'), ...args], {
      cwd: base,
      env,
      stdio,
    });
    for (const fd of stdio.slice(1)) closeSync(fd as number);
    return { status, stdout: readFileSync(stdout, 'utf8'), stderr: readFileSync(stderr, 'utf8') };
  }

  async function atTerminal(typed: string, ...args: string[]) {
    const { master, slave } = openPty({ rows: 13, columns: 91 });
    const [program, ...before] = argv;
    const child = spawn(program, [...before, '--root', join(base, 'state'), ...args], {
      cwd: base,
      env,
      stdio: [slave, slave, slave],
    });
    const ended = once(child, 'exit');
    closeSync(slave);
    const screen = new ReadStream(master);
    let said = '';
    screen.on('error', () => undefined).setEncoding('utf8');
    const over = new Promise((resolve) => screen.once('close', resolve));
    screen.on('data', (text: string) => {
      if (said === '') screen.write(typed);
      said += text;
    });
    const [code] = await ended;
    await over;
    return { code, said };
  }

  /** As `runc spec` writes it, with this command. */
  function writeBundle(args: string[], terminal = false): void {
    const config = {
      ociVersion: '1.0.2',
      process: { user: { uid: 0, gid: 0 }, args, cwd: '/', terminal, env: [PATH] },
      root: { path: 'rootfs' },
      hostname: 'inside',
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance'] },
      ],
      linux: {
        cgroupsPath: `/${id}`,
        namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
      },
    };
    writeFileSync(join(base, 'config.json'), JSON.stringify(config));
  }

  const stateOf = () => JSON.parse(box('state', id).stdout);

  itNeeds(
    ['root'],
    'run: the container’s output and exit code are its own, and nothing stays',
    () => {
      writeBundle(['/bin/sh', '-c', 'cat /proc/sys/kernel/hostname; echo $$; exit 7']);
      expect(box('run', id)).toMatchObject({ status: 7, stdout: 'inside\n1\n' });
      expect(readdirSync(join(base, 'state'))).toEqual([]);
      expect(readMountinfo().filter(({ mountPoint }) => mountPoint.startsWith(base))).toEqual([]);
    },
  );

  itNeeds(
    ['root'],
    'create waits before the program’s first line, start lets it go on',
    async () => {
      writeBundle(['/bin/sh', '-c', 'echo there > /here; exec sleep 600']);
      expect(box('create', id)).toMatchObject({ status: 0 });
      const { status, pid } = stateOf();
      expect(status).toBe('created');
      expect(existsSync(join(base, 'rootfs/here'))).toBe(false);
      expect(box('start', id)).toMatchObject({ status: 0 });
      await expect.poll(() => existsSync(join(base, 'rootfs/here'))).toBe(true);
      expect(stateOf()).toMatchObject({ status: 'running', pid });
      expect(box('delete', id).status).not.toBe(0);
      expect(box('kill', id, 'KILL')).toMatchObject({ status: 0 });
      await expect.poll(() => stateOf().status).toBe('stopped');
      expect(box('delete', id)).toMatchObject({ status: 0 });
      expect(readdirSync(join(base, 'state'))).toEqual([]);
      expect(box('state', id).stderr).toContain('does not exist');
    },
  );

  itNeeds(['root'], 'a program that is not there is told by create, in the drivers’ words', () => {
    writeBundle(['no-such-program']);
    const { status, stderr } = box('create', id);
    expect(status).not.toBe(0);
    expect(stderr).toContain('exec: "no-such-program": executable file not found in $PATH');
    expect(readdirSync(join(base, 'state'))).toEqual([]);
  });

  itNeeds(['root'], 'at a terminal: its size is the container’s, and keys go there', async () => {
    writeBundle(['/bin/sh', '-c', 'stty size; read name; echo "hello $name"; exit 3'], true);
    const { code, said } = await atTerminal('world\r', 'run', id);
    expect(said).toMatch(/^13 91\r+\n(.*\r+\n)*hello world\r+\n$/);
    expect(code).toBe(3);
  });

  itNeeds(['root'], 'exec: fails with 255, and gives no capability to what is inherited', () => {
    writeBundle(['/bin/sh', '-c', 'exec sleep 600']);
    box('run', '--detach', id);
    expect(box('exec', id, 'no-such-program')).toMatchObject({ status: 255 });
    const { stdout } = box(
      'exec',
      '--cap',
      'CAP_SYS_ADMIN',
      id,
      'grep',
      'Cap',
      '/proc/self/status',
    );
    expect(stdout).toMatch(/CapInh:\s+0+\nCapPrm:\s+0+200000\nCapEff:\s+0+200000\n/);
  });
});
