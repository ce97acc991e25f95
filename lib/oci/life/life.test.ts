import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { membersBelow } from '../../host/remove-cgroups.ts';
import { listCgroups } from '../../observe/cgroups.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import { readMountinfo } from '../../observe/mountinfo.ts';
import { COMMAND_LINE, makeBundle, type TestBundle } from '../bundle.fixture.ts';
import { receive } from '../receive.fixture.ts';

const SLEEP = ['sleep', '100'];

const created = async (bundle: TestBundle, args = SLEEP): Promise<number> => {
  bundle.configure((spec) => {
    spec.process.args = args;
  });
  const { status, stderr } = await bundle.box('create', '-b', bundle.directory, bundle.id);
  expect([status, stderr]).toEqual([0, '']);
  return (await stateOf(bundle)).pid;
};

async function stateOf({ box, id }: TestBundle) {
  const { stdout } = await box('state', id);
  return JSON.parse(stdout) as { status: string; pid: number };
}

const cgroupsOf = ({ id }: TestBundle) => listCgroups().filter((path) => path.includes(id));

describe('a container', () => {
  itNeeds(
    ['root'],
    'goes from created to running to stopped, and is gone when deleted',
    async () => {
      await using bundle = makeBundle();
      const { box, id, root } = bundle;
      const pid = await created(bundle);
      expect((await stateOf(bundle)).status).toBe('created');
      expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).not.toBe('sleep\n');
      expect((await box('start', id)).status).toBe(0);
      expect(await stateOf(bundle)).toMatchObject({ status: 'running', pid });
      expect((await box('start', id)).stderr).toContain(
        'cannot start an already running container',
      );
      expect((await box('delete', id)).stderr).toContain('that is not stopped: running');
      expect((await box('kill', id, 'KILL')).status).toBe(0);
      while ((await stateOf(bundle)).status !== 'stopped') await sleep(5);
      expect((await box('kill', id, '9')).stderr).toContain('container not running');
      expect((await box('delete', id)).status).toBe(0);
      expect((await box('state', id)).stderr).toContain('container does not exist');
      expect([readdirSync(root), cgroupsOf(bundle)]).toEqual([[], []]);
    },
  );

  itNeeds(
    ['root'],
    'that waits has almost no memory, and nothing of its maker’s open',
    async () => {
      await using bundle = makeBundle();
      const pid = await created(bundle);
      const [, rss = ''] =
        /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      expect(Number(rss)).toBeLessThan(2048);
      const open = readdirSync(`/proc/${pid}/fd`).map(Number);
      // Its three streams, the FIFO, the wire that it closes with the others.
      expect(open.filter((fd) => fd > 2).length).toBeLessThanOrEqual(2);
    },
  );

  itNeeds(
    ['root'],
    'that waits does not lead to our program, which it could overwrite',
    async () => {
      await using bundle = makeBundle();
      const pid = await created(bundle);
      expect(readlinkSync(`/proc/${pid}/exe`)).toBe('/memfd:box-runtime (deleted)');
    },
  );

  itNeeds(['root'], 'runs other processes, with their own user and exit status', async () => {
    await using bundle = makeBundle();
    const { box, id } = bundle;
    await created(bundle);
    await box('start', id);
    const ran = await box(
      'exec',
      '--user',
      '7:8',
      '--env',
      'A=b',
      id,
      'sh',
      '-c',
      'id -u; id -g; echo $A; exit 9',
    );
    expect(ran).toEqual({ status: 9, stdout: '7\n8\nb', stderr: '' });
    expect((await box('exec', id, 'nosuch')).stderr).toContain(
      'executable file not found in $PATH',
    );
    const seen = await box('exec', id, 'cat', '/proc/self/cgroup', '/proc/1/cgroup');
    const lines = seen.stdout.split('\n');
    expect(lines.slice(0, lines.length / 2)).toEqual(lines.slice(lines.length / 2));
  });

  itNeeds(['root'], 'is paused and resumed, and killed while it is paused', async () => {
    await using bundle = makeBundle();
    const { box, id } = bundle;
    await created(bundle);
    await box('start', id);
    expect((await box('pause', id)).stderr).toBe('');
    expect((await stateOf(bundle)).status).toBe('paused');
    expect((await box('exec', id, 'true')).stderr).toContain('paused');
    await box('resume', id);
    expect((await stateOf(bundle)).status).toBe('running');
    await box('pause', id);
    expect((await box('delete', '--force', id)).stderr).toBe('');
    expect(cgroupsOf(bundle)).toEqual([]);
  });

  itNeeds(['root', 'cc'], 'hands its terminal to the console socket', async () => {
    await using bundle = makeBundle();
    const { box, id, directory } = bundle;
    bundle.configure((spec) => {
      spec.process.terminal = true;
      spec.process.consoleSize = { height: 33, width: 44 };
      spec.process.args = [
        'sh',
        '-c',
        'readlink /proc/self/fd/0 > /tmp/out; stat -c %t:%T /dev/console >> /tmp/out',
      ];
      spec.mounts.push({ destination: '/tmp', type: 'bind', source: directory, options: ['bind'] });
    });
    const { path, output } = await receive(directory, { typing: '' });
    const made = await box('create', '-b', directory, '--console-socket', path, id);
    expect([made.status, made.stderr]).toEqual([0, '']);
    await box('start', id);
    while ((await stateOf(bundle)).status !== 'stopped') await sleep(5);
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('/dev/pts/0\n88:0\n');
    expect((await output).split('\n')[0]).toBe('/dev/ptmx');
  });

  itNeeds(['root'], 'is told by `list` and `ps`, and counted by `events`', async () => {
    await using bundle = makeBundle();
    const { box, id } = bundle;
    const pid = await created(bundle, ['sh', '-c', 'while :; do :; done']);
    await box('start', id);
    expect((await box('list', '-q')).stdout).toBe(id);
    expect(JSON.parse((await box('list', '-f', 'json')).stdout)).toMatchObject([
      { id, pid, status: 'running', rootfs: bundle.rootfs, owner: 'root' },
    ]);
    expect(JSON.parse((await box('ps', '-f', 'json', id)).stdout)).toEqual([pid]);
    const usage = async () => {
      const { type, data } = JSON.parse((await box('events', '--stats', id)).stdout);
      expect(type).toBe('stats');
      return data.cpu.usage;
    };
    // Who of the two had the processor is counted by the tick, and the first is to come yet.
    await expect.poll(async () => (await usage()).user).toBeGreaterThan(0);
    const { total, kernel, percpu = [total] } = await usage();
    expect(total).toBeGreaterThan(0);
    expect(kernel).toBeGreaterThanOrEqual(0);
    expect(percpu).not.toContain(null);
    expect(percpu.length).toBeLessThanOrEqual(cpus().length);
  });

  itNeeds(['root'], 'takes other limits, from flags, a file or standard input', async () => {
    await using bundle = makeBundle();
    const { box, id, directory } = bundle;
    await created(bundle);
    const limit = async () =>
      JSON.parse((await box('events', '--stats', id)).stdout).data.pids.limit;
    expect((await box('update', '--pids-limit', '70', id)).stderr).toBe('');
    expect(await limit()).toBe(70);
    writeFileSync(join(directory, 'r.json'), '{"pids":{"limit":80}}');
    expect((await box('update', '--resources', join(directory, 'r.json'), id)).stderr).toBe('');
    expect(await limit()).toBe(80);
    expect((await box('update', '--resources', join(directory, 'none'), id)).status).toBe(1);
  });

  itNeeds(['root'], 'of a name that is taken is refused, and the first one stays', async () => {
    await using bundle = makeBundle();
    await created(bundle);
    const second = await bundle.box('create', '-b', bundle.directory, bundle.id);
    expect(second.stderr).toContain('container with given ID already exists');
    expect((await stateOf(bundle)).status).toBe('created');
    expect((await bundle.box('create', '-b', bundle.directory, '../up')).stderr).toContain(
      'invalid container ID',
    );
  });
});

describe('two commands at once', () => {
  itNeeds(['root'], 'start it once', async () => {
    await using bundle = makeBundle();
    await created(bundle);
    const all = await Promise.all([1, 2, 3].map(() => bundle.box('start', bundle.id)));
    expect(all.filter(({ status }) => status === 0)).toHaveLength(1);
  });
});

describe('two commands at once, whatever they are', () => {
  const PAIRS: readonly (readonly [string[], string[]])[] = [
    [['start'], ['delete', '--force']],
    [['start'], ['kill', 'KILL']],
    [['pause'], ['kill', 'KILL']],
    [['pause'], ['delete', '--force']],
    [
      ['update', '--pids-limit', '50'],
      ['update', '--pids-limit', '60'],
    ],
    [
      ['delete', '--force'],
      ['delete', '--force'],
    ],
    [
      ['exec', 'true'],
      ['delete', '--force'],
    ],
    [['state'], ['start']],
  ];
  /** Reasons that are about the container; others are about what the other command does meanwhile. */
  const SAID =
    /^(box-runtime: (cannot |container |.*not running|.*SIGKILL|.*is gone|.*ended|.*read\(\$|.*does not exist).*)?$/s;

  itNeeds(
    ['root'],
    'each does its work or says why it cannot, and nothing is left after delete --force',
    async () => {
      await using bundle = makeBundle();
      const { box, id, root } = bundle;
      for (const pair of PAIRS) {
        await created(bundle);
        if (pair[0][0] !== 'start' && pair[1][0] !== 'start') await box('start', id);
        const ended = await Promise.all(
          pair.map(([name = '', ...rest]) =>
            name === 'exec' || name === 'kill' ? box(name, id, ...rest) : box(name, ...rest, id),
          ),
        );
        for (const [index, { status, stderr }] of ended.entries()) {
          expect([pair[index], status === null, stderr]).toEqual([
            pair[index],
            false,
            expect.stringMatching(SAID),
          ]);
        }
        expect(await box('delete', '--force', id)).toMatchObject({ status: 0, stderr: '' });
        expect([readdirSync(root), cgroupsOf(bundle)]).toEqual([[], []]);
      }
      const twice = await Promise.all([1, 2].map(() => box('create', '-b', bundle.directory, id)));
      expect(twice.map(({ status }) => status).sort()).toEqual([0, 1]);
    },
    300_000,
  );
});

describe('kill', () => {
  itNeeds(['root'], 'ends all of a container whose pid namespace is another’s', async () => {
    await using one = makeBundle();
    const pid = await created(one);
    await one.box('start', one.id);
    await using other = makeBundle();
    other.configure(({ process, linux }) => {
      process.args = ['sh', '-c', 'sleep 500 & sleep 500'];
      const own = linux.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
      linux.namespaces = [...own, { type: 'pid', path: `/proc/${pid}/ns/pid` }];
    });
    expect((await other.box('run', '-d', '-b', other.directory, other.id)).stderr).toBe('');
    const members = () => new Set(cgroupsOf(other).flatMap((path) => membersBelow(path)));
    while (members().size < 2) await sleep(5);
    expect((await other.box('kill', other.id, 'KILL')).status).toBe(0);
    await expect.poll(() => members().size).toBe(0);
    expect((await stateOf(one)).status).toBe('running');
  });
});

describe('what if a command is killed at any moment?', () => {
  itNeeds(
    ['root'],
    'what it leaves is cleared by delete --force',
    async () => {
      await using bundle = makeBundle();
      const { root, id, directory, box } = bundle;
      bundle.configure((spec) => {
        spec.process.args = SLEEP;
      });
      const mounts = readMountinfo().length;
      const [program, ...source] = COMMAND_LINE;
      for (let round = 0; round < 12; round++) {
        const argv = [...source, '--root', root, 'run', '-b', directory, id];
        const running = execa(program, argv, { reject: false, stdio: 'ignore' });
        // Spread over its start, of which the first half is the interpreter's own.
        await sleep(120 + round * 25);
        running.kill('SIGKILL');
        await running;
        const { status, stderr } = await box('delete', '--force', id);
        expect([status, stderr]).toEqual([0, '']);
        expect(existsSync(join(root, id))).toBe(false);
        expect(cgroupsOf(bundle)).toEqual([]);
      }
      expect(readMountinfo().length).toBe(mounts);
    },
    120_000,
  );
});
