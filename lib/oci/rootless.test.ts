import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lchownSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import type { Need } from '../observe/needs.ts';
import { COMMAND_LINE, makeBundle, type TestBundle } from './bundle.fixture.ts';
import { rootlessSpec } from './example.ts';
import type { Spec } from './spec.ts';

/** Of the user `nobody`, which every machine has. */
const UID = 65534;
/** The first id of a range that is that user's to give away, and how many. */
const RANGE = [700_000, 65_536] as const;

const PROJECT = join(import.meta.dirname, '../..');
const NEEDS: Need[] = ['root', 'userns', 'busybox', 'setpriv', 'unshare', 'command:newuidmap'];

/**
 * Commands of the runtime as that user: a shell script in which `box` is the command line. In a mount
 * table of its own, with the project where that user may read it, and ranges of ids in /etc/subuid.
 */
function asNobody({ directory, root }: TestBundle, script: string, spec: Spec) {
  chmodSync(directory, 0o755);
  const at = (name: string) => join(directory, name);
  for (const name of ['project', 'program', 'state']) mkdirSync(at(name), { recursive: true });
  lchownSync(root, UID, UID);
  lchownSync(directory, UID, UID);
  writeFileSync(at('config.json'), JSON.stringify(spec));
  writeFileSync(at('ranges'), `nobody:${RANGE.join(':')}\n`);
  const [program, ...source] = COMMAND_LINE;
  const cli = source.map((path) => join(at('project'), relative(PROJECT, path)));
  const words = [join(at('program'), basename(program)), ...cli, '--root', root];
  writeFileSync(at('script'), `box() { ${words.join(' ')} "$@"; }\n${script}\n`);
  const lines = [
    ...['subuid', 'subgid'].map((name) => `mount --bind ${at('ranges')} /etc/${name}`),
    `mount --bind ${PROJECT} ${at('project')}`,
    `mount --bind ${dirname(program)} ${at('program')}`,
    `cd ${directory}`,
    `exec setpriv --reuid=${UID} --regid=${UID} --clear-groups sh ${at('script')}`,
  ];
  const env = { PATH: process.env.PATH, HOME: directory };
  const options = { encoding: 'utf8', env, input: '', timeout: 120_000 } as const;
  const { stdout, stderr, status } = spawnSync(
    'unshare',
    ['-m', 'sh', '-ec', lines.join('\n')],
    options,
  );
  return { stdout: stdout.trim(), stderr: stderr.trim(), status };
}

function specOf(script: string, ranges: boolean): Spec {
  const spec = rootlessSpec(UID, UID);
  spec.process = { cwd: '/', ...spec.process, terminal: false, args: ['sh', '-c', script] };
  const [hostID, size] = RANGE;
  const own = { containerID: 0, hostID: UID, size: 1 };
  const maps = ranges ? [own, { containerID: 1, hostID, size }] : [own];
  return { ...spec, linux: { ...spec.linux, uidMappings: maps, gidMappings: maps } };
}

describe('without root', () => {
  itNeeds(
    NEEDS,
    'what `spec --rootless` describes runs, with the one id that a user has',
    async () => {
      await using bundle = makeBundle();
      const spec = specOf('id -u; cat /proc/self/uid_map; exit 5', false);
      const { stdout, stderr, status } = asNobody(bundle, `box run ${bundle.id}`, spec);
      expect([stderr, status]).toEqual(['', 5]);
      expect(stdout.split(/\s+/)).toEqual(['0', '0', String(UID), '1']);
      expect(existsSync(join(bundle.root, bundle.id))).toBe(false);
    },
  );

  itNeeds(NEEDS, 'a range of ids is mapped by newuidmap, and a user of it runs', async () => {
    await using bundle = makeBundle();
    const spec = specOf('id; cat /proc/self/uid_map', true);
    spec.process = { cwd: '/', ...spec.process, user: { uid: 7, gid: 8, additionalGids: [9] } };
    const { stdout, stderr } = asNobody(bundle, `box run ${bundle.id}`, spec);
    expect(stderr).toBe('');
    expect(stdout).toContain('uid=7 gid=8 groups=9');
    expect(stdout.split('\n').at(-1)?.trim().split(/\s+/)).toEqual(['1', ...RANGE.map(String)]);
  });

  itNeeds(NEEDS, 'what only the container’s root may see of the image is mounted on', async () => {
    await using bundle = makeBundle();
    const hidden = join(bundle.rootfs, 'hidden');
    mkdirSync(join(hidden, 'inner'), { recursive: true });
    lchownSync(hidden, RANGE[0], RANGE[0]);
    chmodSync(hidden, 0o700);
    const run = `box run ${bundle.id}`;
    const spec = specOf('grep -c "^tmpfs /hidden/inner " /proc/mounts', true);
    spec.mounts?.push({ destination: '/hidden/inner', type: 'tmpfs', source: 'tmpfs' });
    const { stdout, stderr } = asNobody(bundle, run, spec);
    expect([stdout, stderr]).toEqual(['1', '']);
    // What has to be covered is not passed over because it is not seen.
    const linux = { ...spec.linux, maskedPaths: ['/hidden/inner'] };
    const refused = asNobody(bundle, run, { ...spec, mounts: [], linux });
    expect(refused.stderr).toContain('linux.maskedPaths: /hidden/inner is behind a directory');
  });

  itNeeds(NEEDS, 'it is created, started, entered, listed, killed and deleted', async () => {
    await using bundle = makeBundle();
    const { id } = bundle;
    const script = [
      `box create ${id} </dev/null >/dev/null 2>&1 && box start ${id}`,
      `box exec ${id} id -u`,
      `[ $(box ps -f json ${id} | tr -d '[]') -gt 1 ] && echo listed`,
      `box delete --force ${id} && box list -q`,
    ].join('\n');
    const { stdout, stderr } = asNobody(bundle, script, specOf('sleep 100', false));
    expect([stdout, stderr]).toEqual(['0\nlisted', '']);
  });

  itNeeds(
    [...NEEDS, 'v1:pids'],
    'what it cannot have is said: others’ ids, limits, cgroups',
    async () => {
      await using bundle = makeBundle();
      const run = `box run ${bundle.id}`;
      const spec = specOf('true', true);
      const refusal = (linux: Spec['linux']) =>
        asNobody(bundle, run, { ...spec, linux: { ...spec.linux, ...linux } }).stderr;
      const foreign = [{ containerID: 0, hostID: 0, size: 1 }];
      expect(refusal({ uidMappings: foreign })).toContain('only ids of /etc/subuid can be mapped');
      expect(refusal({ resources: { pids: { limit: 5 } } })).toMatch(
        /pids: .* is not ours to write/,
      );
      expect(refusal({ cgroupsPath: '/of/ours' })).toMatch(
        /linux.cgroupsPath: .* is not ours to make/,
      );
    },
  );
});
