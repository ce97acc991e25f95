import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { COMMAND_LINE, makeBundle } from './bundle.fixture.ts';

const STATUS = 'cat /proc/self/status';

describe('the process of a container', () => {
  itNeeds(['root'], 'has the user, groups, umask and capabilities that it is to have', async () => {
    await using bundle = makeBundle();
    const { stdout } = await bundle.run(STATUS, (spec) => {
      spec.process.user = { uid: 1000, gid: 1001, umask: 0o27, additionalGids: [5, 6] };
      spec.process.capabilities = {
        bounding: ['CAP_KILL', 'CAP_CHOWN'],
        permitted: ['CAP_KILL'],
        effective: ['CAP_KILL'],
        inheritable: ['CAP_KILL'],
        ambient: ['CAP_KILL'],
      };
    });
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(stdout)?.[1]?.trim();
    expect(field('Uid')?.split(/\s+/)).toEqual(['1000', '1000', '1000', '1000']);
    expect(field('Gid')?.split(/\s+/)).toEqual(['1001', '1001', '1001', '1001']);
    expect(field('Groups')).toBe('5 6');
    expect(field('Umask')).toBe('0027');
    expect(field('CapBnd')).toBe('0000000000000021');
    for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb']) {
      expect([set, field(set)]).toEqual([set, '0000000000000020']);
    }
    expect(field('NoNewPrivs')).toBe('1');
    expect(field('SigBlk')).toBe('0000000000000000');
  });

  itNeeds(['root'], 'has its limits, its oom score, its class and niceness', async () => {
    await using bundle = makeBundle();
    const script = 'cat /proc/self/limits /proc/self/oom_score_adj /proc/self/stat';
    const { stdout, stderr } = await bundle.run(script, (spec) => {
      spec.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 11, hard: 12 }];
      spec.process.oomScoreAdj = 321;
      spec.process.scheduler = { policy: 'SCHED_BATCH', nice: 7 };
      spec.process.ioPriority = { class: 'IOPRIO_CLASS_IDLE' };
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Max core file size\s+11\s+12/);
    const lines = stdout.trim().split('\n');
    expect(lines.at(-2)).toBe('321');
    const stat =
      lines
        .at(-1)
        ?.replace(/^.*\) /, '')
        .split(' ') ?? [];
    expect([stat[16], stat[38]]).toEqual(['7', '3']);
  });

  itNeeds(
    ['root'],
    'is unlimited where an engine says so, in a number that JSON rounds',
    async () => {
      await using bundle = makeBundle();
      const { stdout, stderr } = await bundle.run('cat /proc/self/limits', ({ process }) => {
        const [soft, hard] = [2 ** 64, 2 ** 64];
        process.rlimits = ['RLIMIT_FSIZE', 'RLIMIT_DATA'].map((type) => ({ type, soft, hard }));
      });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/Max file size\s+unlimited\s+unlimited/);
      expect(stdout).toMatch(/Max data size\s+unlimited\s+unlimited/);
    },
  );

  itNeeds(['root'], 'may open as many files as its caller, where nothing is said', async () => {
    await using bundle = makeBundle();
    const { directory, id, root } = bundle;
    bundle.configure(({ process }) => {
      process.rlimits = [];
      process.args = ['grep', 'open files', '/proc/self/limits'];
    });
    const run = [...COMMAND_LINE, '--root', root, 'run', '-b', directory, id].join(' ');
    const lines = `ulimit -Sn 1000; ulimit -Hn 4000; ${run}; exit $?`;
    const { stdout, stderr } = spawnSync('sh', ['-c', lines], { encoding: 'utf8', input: '' });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Max open files\s+1000\s+4000/);
  });

  itNeeds(['root'], 'has a working directory also where the image has none', async () => {
    await using bundle = makeBundle();
    const { stdout, stderr } = await bundle.run('pwd', ({ process, root }) => {
      process.cwd = '/not/in/the/image';
      root.readonly = true;
    });
    expect([stdout, stderr]).toEqual(['/not/in/the/image', '']);
  });

  itNeeds(['root'], 'ignores no signal that whoever started the runtime does', async () => {
    await using bundle = makeBundle();
    bundle.configure(({ process }) => {
      process.args = ['grep', 'SigIgn', '/proc/self/status'];
    });
    const script = 'trap "" HUP INT QUIT USR1; exec "$@"';
    const run = [...COMMAND_LINE, '--root', bundle.root, 'run', '-b', bundle.directory, bundle.id];
    const stdout = execFileSync('sh', ['-c', script, 'sh', ...run], { encoding: 'utf8' });
    expect(stdout).toBe('SigIgn:\t0000000000000000\n');
  });

  itNeeds(['root'], 'has an environment as large as execve takes', async () => {
    await using bundle = makeBundle();
    const { stdout, stderr } = await bundle.run('echo $LAST', ({ process }) => {
      const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      const large = Array.from({ length: 12 }, (_, i) => `V${i}=${'x'.repeat(100_000)}`);
      process.env = [path, ...large, 'LAST=four'];
    });
    expect([stdout, stderr]).toEqual(['four', '']);
  });

  itNeeds(
    ['root', 'command:chrt', 'command:ionice'],
    'has what its scheduler and its disk are told of it',
    async () => {
      await using bundle = makeBundle();
      bundle.configure((spec) => {
        spec.process.args = ['sleep', '600'];
        spec.process.scheduler = {
          policy: 'SCHED_BATCH',
          nice: 3,
          flags: ['SCHED_FLAG_RESET_ON_FORK'],
        };
        spec.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
      });
      const { box, directory, id } = bundle;
      expect((await box('run', '--detach', '-b', directory, id)).stderr).toBe('');
      const { pid } = JSON.parse((await box('state', id)).stdout) as { pid: number };
      const ask = (command: string) =>
        execFileSync(command, ['-p', String(pid)], { encoding: 'utf8' });
      expect(ask('chrt')).toContain('SCHED_BATCH|SCHED_RESET_ON_FORK');
      expect(ask('ionice')).toBe('best-effort: prio 6\n');
    },
  );

  itNeeds(['root'], 'begins with its three streams and nothing else open', async () => {
    await using bundle = makeBundle();
    const { stdout } = await bundle.run('readlink /proc/self/fd/*');
    expect(stdout.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(stdout).not.toContain(bundle.directory);
  });

  itNeeds(
    ['root'],
    'that is not there is said by `create`, in words that engines know',
    async () => {
      await using bundle = makeBundle();
      const says = async (arg: string) => {
        bundle.configure((spec) => {
          spec.process.args = [arg];
        });
        return (await bundle.box('create', '-b', bundle.directory, bundle.id)).stderr;
      };
      expect(await says('nosuch')).toContain('exec: "nosuch": executable file not found in $PATH');
      expect(await says('/nosuch')).toContain('exec: "/nosuch": stat /nosuch: no such file');
      expect(await says('/etc')).toContain('exec: "/etc": is a directory');
      expect((await bundle.box('list', '-q')).stdout).toBe('');
    },
  );

  itNeeds(
    ['root'],
    'what if its directory is a descriptor of the host’s? It is refused',
    async () => {
      await using bundle = makeBundle();
      for (const fd of [3, 7, 8, 9, 12]) {
        const { status, stderr } = await bundle.run('ls', (spec) => {
          spec.process.cwd = `/proc/self/fd/${fd}`;
        });
        expect(status).toBe(1);
        expect(stderr).toMatch(/openat2.*(ELOOP|ENOENT|EACCES)/);
      }
    },
  );

  itNeeds(['root'], 'has the personality that it is to have, over execve too', async () => {
    await using bundle = makeBundle();
    const { stdout } = await bundle.run('cat /proc/self/personality', (spec) => {
      spec.linux.personality = { domain: 'LINUX32' };
    });
    // PER_LINUX32 of linux/personality.h
    expect(stdout).toBe('00000008');
  });
});
