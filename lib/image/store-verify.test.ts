import {
  chmodSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getXattr, removeXattr, setXattr } from '../kernel/xattr.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { aclFor } from '../overlay/acl.fixture.ts';
import { digestOf } from './digest.ts';
import { type Layer, openStore, type Store } from './store.ts';
import { directory, inPieces, link, symlink, tar } from './tar.fixture.ts';
import type { PaxRecord } from './tar-pax.ts';

const base = mkdtempSync(join(tmpdir(), 'unboxed-verify-'));
let store: Store;
let layer: Layer;

beforeAll(async () => {
  store = await openStore(base);
  const bottom = await store.addLayer({
    parent: null,
    stream: inPieces(tar(directory('etc/'), { name: 'etc/motd', content: 'welcome' })),
  });
  layer = await store.addLayer({
    parent: bottom.chainId,
    stream: inPieces(
      tar(
        ...[
          directory('usr/'),
          { name: 'usr/a', content: 'aaa' },
          symlink('usr/s', 'a'),
          link('usr/h', 'usr/a'),
        ],
        ...[
          { name: 'twice', content: 'first' },
          { name: 'twice', content: 'second' },
        ],
        { name: 'labelled', pax: [['SCHILY.xattr.security.selinux', 'x']] },
      ),
    ),
  });
  const rootfs = { type: 'layers' as const, diff_ids: [bottom.diffId, layer.diffId] };
  await store.putImage({ architecture: 'amd64', os: 'linux', rootfs }, ['some/name:tag']);
  await store.putBlob(Buffer.from('{"a document":1}'));
  const blob = { digest: digestOf('blob'), size: 4, mediaType: 'x', repository: 'r/a' };
  await store.rememberBlob(layer.diffId, blob);
});
afterAll(() => rmSync(base, { recursive: true }));

it('nothing is found where nothing is wrong', async () => {
  expect(await store.verify()).toEqual([]);
});

it('a flipped bit is found in whatever file it is, whichever bit', async () => {
  const files = globSync('**', { cwd: base }).filter((name) =>
    lstatSync(join(base, name)).isFile(),
  );
  const full = files.filter((name) => lstatSync(join(base, name)).size > 0);
  // layerdb of two layers, names, configuration, document, known blobs, contents, links.
  expect(full.length).toBeGreaterThan(20);
  const missed: string[] = [];
  for (const name of full) {
    const path = join(base, name);
    const { mtime, mode } = lstatSync(path);
    const good = readFileSync(path);
    const step = Math.max(1, Math.floor(good.length / 5));
    for (let byte = 0; byte < good.length; byte += step) {
      const bad = Buffer.from(good);
      bad[byte] = (bad[byte] ?? 0) ^ (1 << (byte % 8));
      chmodSync(path, 0o600);
      writeFileSync(path, bad);
      chmodSync(path, mode & 0o7777);
      utimesSync(path, mtime, mtime);
      if ((await store.verify()).length === 0) missed.push(`${name} at ${byte}`);
    }
    writeFileSync(path, good);
    utimesSync(path, mtime, mtime);
  }
  expect(missed).toEqual([]);
  expect(await store.verify()).toEqual([]);
});

it('a changed file is named, with what has changed', async () => {
  const path = join(layer.diff, 'usr/a');
  const { mtime } = lstatSync(path);
  writeFileSync(path, 'aab');
  utimesSync(path, mtime, mtime);
  const found = await store.verify();
  expect(found[0]).toEqual({ path, problem: 'its content has changed' });
  writeFileSync(path, 'aaa');
  utimesSync(path, mtime, mtime);
});

const changes: [
  name: string,
  problem: RegExp,
  change: (diff: string) => void,
  back: (diff: string) => void,
][] = [
  [
    'a mode',
    /its mode is 0600 and not 0644/,
    (diff) => chmodSync(join(diff, 'twice'), 0o600),
    (diff) => chmodSync(join(diff, 'twice'), 0o644),
  ],
  [
    'a link’s target',
    /its target is "b" and not "a"/,
    (diff) => {
      unlinkSync(join(diff, 'usr/s'));
      symlinkSync('b', join(diff, 'usr/s'));
    },
    (diff) => {
      unlinkSync(join(diff, 'usr/s'));
      symlinkSync('a', join(diff, 'usr/s'));
    },
  ],
  [
    'a file that was not there',
    /is not in the layer/,
    (diff) => mkdirSync(join(diff, 'usr/new')),
    (diff) => rmSync(join(diff, 'usr/new'), { recursive: true }),
  ],
];

it.each(changes)('%s is found', async (_name, problem, change, back) => {
  change(layer.diff);
  const problems = (await store.verify()).map((finding) => finding.problem);
  back(layer.diff);
  expect(problems.join('\n')).toMatch(problem);
});

describe('attributes', () => {
  const acl: PaxRecord = ['SCHILY.xattr.system.posix_acl_access', aclFor(7).toString('latin1')];
  let other: Store;
  let root: string;

  beforeAll(async () => {
    other = await openStore(mkdtempSync(join(base, 'attributes-')));
    const stream = inPieces(
      tar(
        { name: 'file', mode: 0o640, pax: [['SCHILY.xattr.user.note', 'a'], acl] },
        ...[{ name: 'plain' }, directory('plain-directory/'), { name: '.wh.gone' }],
        ...[directory('opaque/'), { name: 'opaque/.wh..wh..opq' }, directory('opaque/in/')],
        ...[
          { name: '.wh.anew' },
          { name: 'anew/file' },
          directory('hides/'),
          { name: '.wh.hides' },
        ],
        // Of the last entry of a name, and of what has become of it.
        ...[directory('was/'), { name: 'was/.wh..wh..opq' }, { name: 'was' }, directory('was/')],
        ...[{ name: '.wh.entry' }, directory('entry/')],
        directory('again/', { pax: [['SCHILY.xattr.user.first', 'a']] }),
        directory('again/'),
      ),
    );
    const layer = await other.addLayer({ parent: null, stream });
    root = layer.diff;
    // Overlay does not look at a root's mark: the directories in it have it.
    const whole = tar({ name: '.wh..wh..opq' }, directory('opaque/'), directory('other/'));
    await other.addLayer({ parent: layer.chainId, stream: inPieces(whole) });
  });

  itNeeds(['root'], 'that are those of the layer are no findings', async () => {
    expect(await other.verify()).toEqual([]);
  });

  const opaque = 'trusted.overlay.opaque';
  const changed: [name: string, attribute: string, value: string | null, problem: RegExp][] = [
    ['file', 'user.note', 'b', /attribute user.note is 62 and not 61/],
    ['file', 'user.note', null, /attribute user.note is absent and not 61/],
    ['file', 'system.posix_acl_access', null, /attribute system.posix_acl_access is absent/],
    ['plain', 'user.note', 'b', /attribute user.note is 62 and not absent/],
    ['opaque', opaque, null, /does not hide any more/],
    ['opaque', opaque, 'x', /does not hide any more/],
    ['entry', opaque, null, /does not hide any more/],
    ['anew', opaque, null, /does not hide any more/],
    ['hides', opaque, null, /does not hide any more/],
    ['plain-directory', opaque, 'y', /trusted.overlay.opaque, which is not of its layer/],
    ['plain-directory', 'trusted.overlay.redirect', '/etc', /redirect, which is not of its layer/],
    ['plain', 'trusted.overlay.whiteout', 'y', /whiteout, which is not of its layer/],
    ['plain', 'trusted.overlay.metacopy', '', /metacopy, which is not of its layer/],
  ];

  for (const [name, attribute, value, problem] of changed) {
    const what = value === null ? `${attribute} taken from` : `${attribute}=${value} at`;
    itNeeds(['root'], `${what} ${name} is found`, async () => {
      const path = join(root, name);
      const { mode } = lstatSync(path);
      const before = getXattr(path, attribute);
      if (value === null) removeXattr(path, attribute);
      else setXattr(path, attribute, value);
      const findings = await other.verify();
      if (before === null) removeXattr(path, attribute);
      else setXattr(path, attribute, before);
      chmodSync(path, mode & 0o7777);
      expect(findings).toEqual([{ path, problem: expect.stringMatching(problem) }]);
    });
  }
});
