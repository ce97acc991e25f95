import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removeHierarchy } from '../host/remove-hierarchy.ts';
import { itNeeds } from './it-needs.ts';
import { NAMESPACES, namespaceInode } from './namespaces.ts';
import {
  comparePictures,
  type Difference,
  describeDifference,
  type Picture,
  takePicture,
} from './picture.ts';
import { readCmdline } from './process.ts';

const EMPTY: Picture = {
  mounts: [],
  cgroups: [],
  links: [],
  routes: [],
  rules: [],
  settings: [],
  files: [],
  processes: [],
  takers: [],
  unseen: [],
};

/** On a machine where others work too, only differences that name one of these are looked at. */
const about = (differences: Difference[], ...names: (string | number)[]) =>
  differences.filter(({ what, pid }) =>
    names.some((name) => name === pid || what.includes(`${name}`)),
  );

describe('comparePictures', () => {
  it('finds a second mount of the same thing on the same place', () => {
    const before = { ...EMPTY, mounts: ['/mnt tmpfs'] };
    const after = { ...EMPTY, mounts: ['/mnt tmpfs', '/mnt tmpfs'] };
    const what = '/mnt tmpfs';
    expect(comparePictures(before, after)).toEqual([{ kind: 'mount', what, change: 'appeared' }]);
    expect(comparePictures(after, before)).toEqual([{ kind: 'mount', what, change: 'vanished' }]);
    expect(comparePictures(after, after)).toEqual([]);
  });

  it('takes a used-again pid for another process', () => {
    const one = { pid: 7, startTime: '1', command: 'a', zombie: false, namespaces: [] };
    const before = { ...EMPTY, processes: [one] };
    const after = { ...EMPTY, processes: [{ ...one, startTime: '2' }] };
    const changes = comparePictures(before, after).map(describeDifference);
    expect(changes).toEqual(['process appeared: 7 a', 'process vanished: 7 a']);
  });

  it('takes a zombie that appeared for a difference, and one that is gone for none', () => {
    const zombie = { pid: 7, startTime: '1', command: 'zombie', zombie: true, namespaces: [] };
    const [before, after] = [EMPTY, { ...EMPTY, processes: [zombie] }];
    const changes = comparePictures(before, after).map(describeDifference);
    expect(changes).toEqual(['process appeared: 7 zombie']);
    expect(comparePictures(after, before)).toEqual([]);
  });

  it('leaves out the takers and the ignored, with namespaces that only they are in', () => {
    const own = (pid: number, ...namespaces: string[]) => {
      return { pid, startTime: '1', command: 'x', zombie: false, namespaces };
    };
    const before = { ...EMPTY, processes: [own(1, 'net:[1]'), own(2, 'net:[2]')], takers: ['2@1'] };
    const after = {
      ...EMPTY,
      processes: [own(1, 'net:[1]'), own(3, 'net:[3]'), own(4, 'net:[4]'), own(5, 'net:[2]')],
      takers: ['3@1'],
    };
    const left = comparePictures(before, after, { ignorePids: [4] });
    expect(left.map(describeDifference)).toEqual(['process appeared: 5 x']);
  });

  it('reports what could be seen before and cannot be seen now', () => {
    const after = { ...EMPTY, unseen: ['cannot observe nft'] };
    expect(comparePictures(EMPTY, after)).toMatchObject([{ kind: 'unseen', change: 'appeared' }]);
  });

  it('leaves out ignored paths with what is below them, and nothing that only begins alike', () => {
    const after = { ...EMPTY, files: ['/tmp/a', '/tmp/a/b', '/tmp/ab'] };
    const left = comparePictures(EMPTY, after, { ignorePaths: ['/tmp/a'] });
    expect(left.map(({ what }) => what)).toEqual(['/tmp/ab']);
  });
});

itNeeds(['root', 'ip', 'nft'], 'a picture sees everything, and survives being written down', () => {
  const picture = takePicture();
  expect(picture.unseen).toEqual([]);
  expect(JSON.parse(JSON.stringify(picture))).toEqual(picture);
  expect(picture.takers[0]).toMatch(new RegExp(`^${process.pid}@\\d+$`));
  const self = picture.processes.find(({ pid }) => pid === process.pid);
  expect(self?.namespaces).toHaveLength(NAMESPACES.length);
});

itNeeds(['root', 'unshare'], 'a forgotten child and its namespaces are seen', async () => {
  const before = takePicture();
  const child = spawn('unshare', ['--uts', '--net', 'sleep', '60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  try {
    await expect.poll(() => readCmdline(pid)[0]).toBe('sleep');
    const [uts, net] = [namespaceInode(pid, 'uts'), namespaceInode(pid, 'network')];
    const after = takePicture();
    const seen = about(comparePictures(before, after), pid).map(describeDifference);
    expect(seen.sort()).toEqual([
      `namespace appeared: net:[${net}]`,
      `namespace appeared: uts:[${uts}]`,
      `process appeared: ${pid} sleep 60`,
    ]);
    expect(about(comparePictures(before, after, { ignorePids: [pid] }), pid)).toEqual([]);
  } finally {
    child.kill();
  }
});

itNeeds(['linux'], 'a forgotten directory is seen, deep where it was asked for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'picture-'));
  try {
    const before = takePicture({ deep: [directory] });
    const forgotten = mkdtempSync(join(tmpdir(), 'forgotten-'));
    mkdirSync(join(directory, 'a/b'), { recursive: true });
    const after = takePicture({ deep: [directory] });
    rmSync(forgotten, { recursive: true });
    const seen = about(comparePictures(before, after), directory, forgotten);
    const paths = [join(directory, 'a'), join(directory, 'a/b'), forgotten];
    expect(seen.map(({ what }) => what).sort()).toEqual(paths.sort());
    expect(about(comparePictures(before, takePicture()), forgotten)).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

itNeeds(['root', 'unshare', 'cgroup-v1'], 'a hierarchy that is mounted nowhere is seen', () => {
  const place = mkdtempSync(join(tmpdir(), 'hierarchy-'));
  const name = `forgotten-${process.pid}`;
  const before = takePicture();
  try {
    const script = 'mount -t cgroup -o "none,name=$1" none "$2" && mkdir "$2/cgroup"';
    execFileSync('unshare', ['--mount', 'sh', '-ec', script, 'sh', name, place]);
    const seen = about(comparePictures(before, takePicture()), name);
    expect(seen.map(describeDifference)).toEqual([`cgroup appeared: name=${name}`]);
  } finally {
    const [unshare = '', ...argv] = removeHierarchy(name, place);
    execFileSync(unshare, argv);
    rmSync(place, { recursive: true });
  }
  expect(about(comparePictures(before, takePicture()), name)).toEqual([]);
});

itNeeds(['root', 'unshare', 'ip', 'nft'], 'mounts, links, routes, rules, settings are seen', () => {
  const look = `import { takePicture } from '${import.meta.dirname}/picture.ts';
    console.log(JSON.stringify(takePicture()));`;
  const command = `take() { "${process.execPath}" --input-type=module -e "$LOOK"; }
    take
    mount -t tmpfs forgotten-mount /mnt
    ip link add forgotten-link type bridge
    ip addr add 10.9.8.7/24 dev forgotten-link; ip link set forgotten-link up
    nft add table ip forgotten_rule
    echo forgotten-name > /proc/sys/kernel/hostname
    take`;
  const argv = [
    '--mount',
    '--net',
    '--uts',
    '--mount-proc',
    '--pid',
    '--fork',
    'sh',
    '-ec',
    command,
  ];
  const output = execFileSync('unshare', argv, {
    encoding: 'utf8',
    env: { ...process.env, LOOK: look },
  });
  const [before, after] = output
    .trim()
    .split('\n')
    .map((line): Picture => JSON.parse(line));
  if (!before || !after) throw new Error(`not two pictures: ${output}`);
  const named = ['forgotten', '10.9.8'];
  const seen = about(comparePictures(before, after), ...named).map(({ kind }) => kind);
  expect([...new Set(seen)].sort()).toEqual(['link', 'mount', 'route', 'rule', 'setting']);
  expect(about(comparePictures(after, after), ...named)).toEqual([]);
});
