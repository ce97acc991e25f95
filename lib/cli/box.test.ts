import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../image/store.ts';
import { sha256 } from '../image/transfer/image.fixture.ts';
import { type BoxPlace, FORMS, givePlaces, layoutOf } from './box.fixture.ts';

describe.each(FORMS)('$form', (form) => {
  let place: BoxPlace;
  givePlaces(form, (given) => {
    place = given;
  });

  const box = (...args: string[]) => place.box(...args);
  const store = () => openStore(place.root);
  const lines = (text: string) => text.split('\n').slice(0, -1);

  /** `one` and `two` share their first layer. */
  async function fill() {
    const { directory, images } = layoutOf(place.base, {
      'docker.io/lab/one:v1': [{ a: 'shared' }, { b: 'own of one' }],
      'docker.io/lab/two:v1': [{ a: 'shared' }, { c: 'own of two!' }],
    });
    const loaded = await box('load', '-i', directory);
    expect(loaded).toMatchObject({ code: 0 });
    const [one, two] = Object.values(images).map(({ id }) => id);
    return { one: one ?? '', two: two ?? '', said: loaded.out, images };
  }

  describe('a command line that is wrong', () => {
    it.each([
      [['nothing'], 1, "unknown command 'nothing'"],
      [['images', '--nothing'], 125, "unknown option '--nothing'"],
      [['tag', 'a'], 1, "missing required argument 'target'"],
      [['pull', '--all-tags', 'a'], 125, 'name the tags'],
      [['images', '-f', 'x'], 125, 'write it as name=value'],
      [['images', '-f', 'x=y'], 125, 'there is no filter x'],
      [['images', '-f', 'dangling=perhaps'], 125, 'say true or false'],
      [['images', '--format', '{{.Id'], 125, 'template:1:1'],
      [['pull', 'A'], 1, 'lower case'],
      [['build', '--platform', 'linux/s390x', '.'], 125, 'only linux/'],
      [['build', '--network', 'bridge', '.'], 125, 'default, host or none'],
      [['save', '--format', 'zip', 'a'], 125, 'docker or oci'],
      [['image', 'prune'], 125, 'say -f'],
      [['login', '127.0.0.1:5000'], 125, '--password-stdin'],
      [['import', 'https://example.org/x.tar'], 1, 'fetch it'],
      [['import', 'nothing.tar', 'x'], 1, 'nothing.tar'],
      [['import', '-c', 'RUN x', 'nothing.tar'], 1, 'RUN does not only change'],
      [['load', '-i', 'nothing.tar'], 1, 'nothing.tar'],
    ] as [string[], number, string][])('%j: exit code %i, one line', async (args, code, said) => {
      const ran = await box(...args);
      expect(ran).toMatchObject({ code, out: '' });
      expect(ran.err).toMatch(/^box: [^\n]+\n$/);
      expect(ran.err).toContain(said);
      expect((await (await store()).images()).length).toBe(0);
    });
  });

  it('without a command it says which there are', async () => {
    const { code, out } = await box();
    expect(code).toBe(0);
    for (const name of ['images', 'pull', 'build', 'rmi', 'login']) expect(out).toContain(name);
    expect((await box('image')).out).toContain('inspect');
  });

  it('version and info tell the kernel’s own version, and make nothing', async () => {
    expect((await box('version', '-f', '{{.Server.KernelVersion}}')).out).toBe(`${release()}\n`);
    const { out } = await box('info', '-f', '{{.Driver}} {{.KernelVersion}} {{.Images}}');
    expect(out).toBe(`overlay2 ${release()} 0\n`);
    expect(JSON.parse((await box('info', '-f', 'json')).out)).toMatchObject({
      BoxRootDir: place.root,
    });
    expect(existsSync(place.root)).toBe(false);
  });

  it('--root is where everything is, whatever BOX_ROOT says', async () => {
    const other = join(place.base, 'other');
    expect(await box('--root', other, 'images')).toMatchObject({ code: 0 });
    expect(readdirSync(other)).toContain('image');
    expect(existsSync(place.root)).toBe(false);
  });

  it('images: a line for each name, as the store has them', async () => {
    const { one, two, said } = await fill();
    expect(lines(said).sort()).toEqual(['Loaded image: lab/one:v1', 'Loaded image: lab/two:v1']);
    await box('tag', 'lab/one:v1', '127.0.0.1:5000/x/one');
    expect((await (await store()).image('127.0.0.1:5000/x/one:latest'))?.id).toBe(one);
    const [head, ...rows] = lines((await box('images')).out);
    expect(head).toMatch(/^REPOSITORY {13}TAG {7}IMAGE ID {7}CREATED {8}SIZE$/);
    const short = one.slice(7, 19);
    expect(rows.filter((row) => row.includes(short))).toHaveLength(2);
    expect(rows).toContain(`127.0.0.1:5000/x/one   latest    ${short}   25 years ago   16B`);
    expect(lines((await box('images', '-q', '--no-trunc', 'lab/*')).out).sort()).toEqual(
      [one, two].sort(),
    );
    const filtered = async (filter: string) =>
      lines((await box('image', 'ls', '-f', filter, '--format', '{{.Repository}}')).out);
    expect(await filtered('reference=*/two:v1')).toEqual(['lab/two']);
    expect(await filtered('dangling=true')).toEqual([]);
    expect(await filtered('label=x')).toEqual([]);
    expect(await filtered('since=lab/one:v1')).toEqual([]);
    const asJson = lines((await box('images', '--format', 'json', 'lab/two')).out);
    expect(JSON.parse(asJson[0] ?? '')).toMatchObject({
      Repository: 'lab/two',
      Tag: 'v1',
      Size: '17B',
    });
  });

  it('images --digests: that of the index, where the image was in one', async () => {
    const { images } = await fill();
    const { manifest, descriptor, id } = Object.values(images)[0] ?? {};
    if (!manifest || !descriptor || !id) throw new Error('no image');
    const indexes = Array.from({ length: 50 }, (_, at) =>
      JSON.stringify({ schemaVersion: 2, manifests: [descriptor], annotations: { at: `${at}` } }),
    );
    // One that the store names after the manifest: neither order may decide.
    const index = indexes.find((text) => sha256(text) > descriptor.digest) ?? '';
    const opened = await store();
    for (const bytes of [manifest, Buffer.from(index)]) {
      await opened.putBlob(bytes);
      await opened.tag(id, `lab/one@${sha256(bytes)}`);
    }
    const { out } = await box('images', '--digests', '--format', '{{.Tag}} {{.Digest}}', 'lab/one');
    expect(out).toBe(`v1 ${sha256(index)}\n`);
  });

  it('inspect: what the store and the disk have', async () => {
    const { one } = await fill();
    const [shown] = JSON.parse((await box('image', 'inspect', one.slice(7, 17))).out);
    const config = JSON.parse(
      readFileSync(join(place.root, 'image/imagedb/content/sha256', one.slice(7)), 'utf8'),
    );
    expect(shown).toMatchObject({
      Id: one,
      RepoTags: ['lab/one:v1'],
      Created: config.created,
      RootFS: { Layers: config.rootfs.diff_ids },
      Config: { Cmd: config.config.Cmd },
    });
    const { UpperDir, LowerDir } = shown.GraphDriver.Data;
    expect(readFileSync(join(UpperDir, 'b'), 'utf8')).toBe('own of one');
    expect(readFileSync(join(LowerDir, 'a'), 'utf8')).toBe('shared');
    const format = '{{range $i, $l := .RootFS.Layers}}{{$i}} {{end}}{{.Config.Labels}}';
    expect((await box('image', 'inspect', '-f', format, 'lab/one:v1')).out).toBe(
      '0 1 <no value>\n',
    );
    const half = await box('image', 'inspect', '-f', '{{.Id}}', 'nothing', 'lab/one:v1');
    expect(half).toMatchObject({ code: 1, out: `${one}\n` });
    expect(half.err).toMatch(/^box: nothing: no such image.*\n$/);
  });

  it('history: the newest first, a size for each layer', async () => {
    const { one } = await fill();
    const rows = lines(
      (await box('history', '--format', '{{.ID}} {{.CreatedBy}} {{.Size}}', 'lab/one:v1')).out,
    );
    expect(rows).toEqual([`${one.slice(7, 19)} layer 1 10B`, '<missing> layer 0 6B']);
    expect(lines((await box('history', '-q', '--no-trunc', 'lab/one:v1')).out)).toEqual([
      one,
      '<missing>',
    ]);
    const { out } = await box('history', '--human=false', 'lab/one:v1');
    expect(out).toMatch(/ 10 /);
  });

  it('rmi: names first, then what only that image had', async () => {
    const { one, two } = await fill();
    await box('tag', 'lab/one:v1', 'lab/more');
    const byId = await box('rmi', one.slice(7, 19));
    expect(byId).toMatchObject({ code: 1, out: '' });
    expect(byId.err).toContain('several names (lab/more:latest, lab/one:v1)');
    expect(await box('rmi', 'lab/more')).toMatchObject({
      code: 0,
      out: 'Untagged: lab/more:latest\n',
    });
    const before = readdirSync(join(place.root, 'overlay2')).length;
    const [untagged, ...deleted] = lines((await box('rmi', 'lab/one:v1')).out);
    expect(untagged).toBe('Untagged: lab/one:v1');
    expect(deleted[0]).toBe(`Deleted: ${one}`);
    // The layer that both have stays.
    expect(deleted).toHaveLength(2);
    expect(readdirSync(join(place.root, 'overlay2'))).toHaveLength(before - 1);
    expect(await (await store()).verify()).toEqual([]);
    expect((await (await store()).images()).map(({ id }) => id)).toEqual([two]);
    expect(await box('rmi', 'lab/one:v1')).toMatchObject({ code: 1 });
    expect(await box('rmi', '-f', 'lab/one:v1')).toMatchObject({ code: 0 });
  });

  it('rmi leaves alone what else has no name; prune takes that', async () => {
    const tar = execFileSync('tar', ['-C', place.base, '-cf', '-', 'config']);
    const unnamed = (await place.feed(tar, 'import', '-')).out.trim();
    const { one } = await fill();
    await box('rmi', 'lab/one:v1', 'lab/two:v1');
    expect((await box('images', '-q', '--no-trunc', '-f', 'dangling=true')).out.trim()).toBe(
      unnamed,
    );
    expect((await box('images', '-q', '--no-trunc')).out).not.toContain(one);
    const kept = await box('image', 'prune', '-f', '--filter', 'until=2001-01-01');
    expect(kept).toMatchObject({ code: 0, out: 'Total reclaimed space: 0B\n' });
    const { out } = await box('image', 'prune', '-f');
    expect(out).toContain(`Deleted Images:\ndeleted: ${unnamed}\n`);
    expect(readdirSync(join(place.root, 'overlay2'))).toEqual(['l']);
  });

  it('prune -a takes those with names too', async () => {
    await fill();
    expect((await box('image', 'prune', '-f')).out).toBe('Total reclaimed space: 0B\n');
    const { out } = await box('image', 'prune', '-af');
    expect(out).toContain('untagged: lab/one:v1');
    expect(await (await store()).images()).toEqual([]);
    expect(readdirSync(join(place.root, 'overlay2'))).toEqual(['l']);
  });

  it('system df counts a layer once that two images have', async () => {
    await fill();
    const { out } = await box('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Size}}');
    expect(lines(out)[0]).toBe('Images 2 27B');
    const { out: whole } = await box('system', 'df', '-v');
    expect(whole).toMatch(/lab\/one +v1 +\w{12} +25 years ago +16B +6B +10B +0\n/);
  });

  it('import: a tar becomes an image of one layer', async () => {
    execFileSync('tar', ['-C', place.base, '-cf', join(place.base, 'x.tar'), 'config']);
    const args = ['-c', 'CMD ["/bin/sh"]', '-c', 'ENV A=1', '-m', 'why', 'x.tar', 'lab/made'];
    const { code, out } = await box('import', ...args);
    expect(code).toBe(0);
    const image = await (await store()).image('lab/made');
    expect(image?.id).toBe(out.trim());
    expect(image?.config).toMatchObject({
      config: { Cmd: ['/bin/sh'], Env: ['A=1'] },
      history: [{ comment: 'why' }],
    });
    const [link = ''] = await (await store()).lowerdirs(
      image?.config.rootfs.diff_ids[0] ?? 'sha256:',
    );
    expect(readdirSync(realpathSync(link))).toEqual(['config']);
  });

  it('save and load: other stores and other tools get the same image', async () => {
    const { one } = await fill();
    expect(await box('save', '-o', 'a.tar', 'lab/one:v1')).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
    const manifest = execFileSync('tar', ['-xOf', join(place.base, 'a.tar'), 'manifest.json']);
    expect(JSON.parse(manifest.toString())).toMatchObject([{ RepoTags: ['docker.io/lab/one:v1'] }]);
    const oci = await box('save', '--format', 'oci', '-o', 'b.tar', 'lab/one:v1', one);
    expect(oci.code).toBe(0);
    for (const archive of ['a.tar', 'b.tar']) {
      const other = ['--root', join(place.base, `of-${archive}`)];
      const loaded = await place.feed(readFileSync(join(place.base, archive)), ...other, 'load');
      expect(loaded).toMatchObject({ code: 0, out: 'Loaded image: lab/one:v1\n' });
      expect((await box(...other, 'images', '-q', '--no-trunc')).out.trim()).toBe(one);
    }
  });

  it('save that fails leaves no file behind', async () => {
    const before = readdirSync(place.base);
    expect(await box('save', '-o', 'a.tar', 'nothing')).toMatchObject({ code: 1 });
    expect(readdirSync(place.base).filter((name) => name !== 'root')).toEqual(before);
    const nowhere = await box('save', '-o', 'no/where.tar', 'nothing');
    expect(nowhere).toMatchObject({ code: 1 });
    expect(nowhere.err).toMatch(/^box: no\/where.tar: [^\n]+\n$/);
  });
});
