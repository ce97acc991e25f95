import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { chainIds } from '../image/chain-id.ts';
import { startProxy } from '../image/registry/proxy.fixture.ts';
import { startRegistry, type TestRegistry } from '../image/registry/registry.fixture.ts';
import type { Descriptor } from '../image/spec.ts';
import { openStore } from '../image/store.ts';
import { itNeeds } from '../observe/it-needs.ts';
import type { Need } from '../observe/needs.ts';
import { type BoxPlace, FORMS, givePlaces, layoutOf } from './box.fixture.ts';
import { atTerminal } from './terminal.fixture.ts';

const need: Need[] = ['command:docker-registry'];
/** `htpasswd -nbB someone secret` */
const HTPASSWD = 'someone:$2y$05$MuprKhwjSmRSYZjmoOLPdek7Q6C4hpBYfAWUqgE0XHaydP5loVtW6\n';

describe.each(FORMS)('$form', (form) => {
  let place: BoxPlace;
  givePlaces(form, (given) => {
    place = given;
  });

  const box = (...args: string[]) => place.box(...args);
  const elsewhere = () => ['--root', join(place.base, 'elsewhere')];

  /** In our store under the registry's name, and there too. */
  async function push({ host }: TestRegistry) {
    const name = `${host}/lab/one:v1`;
    const { directory, images } = layoutOf(place.base, { [name]: [{ a: 'low' }, { b: 'high' }] });
    await box('load', '-q', '-i', directory);
    const pushed = await box('push', name);
    const accept = 'application/vnd.oci.image.manifest.v1+json';
    const seen = await fetch(`http://${host}/v2/lab/one/manifests/v1`, { headers: { accept } });
    const text = await seen.text();
    const manifest = {
      digest: seen.headers.get('docker-content-digest') ?? '',
      size: Buffer.byteLength(text),
      // Whoever compresses makes them: Bun's gzip is not Node's.
      layers: ((JSON.parse(text).layers ?? []) as Descriptor[]).map((layer) => layer.digest),
    };
    return { name, pushed, image: Object.values(images)[0], manifest };
  }

  itNeeds(need, 'push, and pull from another store: the same image', async () => {
    await using registry = await startRegistry();
    const { name, pushed, image, manifest } = await push(registry);
    expect(pushed.code).toBe(0);
    const { digest, size } = manifest;
    expect(pushed.out).toMatch(
      /^The push refers to repository \[.*\/lab\/one\]\n(\w{12}: Pushed\n){2}/,
    );
    expect(pushed.out).toContain(`v1: digest: ${digest} size: ${size}\n`);
    expect((await box('push', '-q', name)).out).toBe(`${name}\n`);

    const pulled = await box(...elsewhere(), 'pull', name);
    expect(pulled).toMatchObject({ code: 0, err: '' });
    expect(pulled.out).toMatch(/^v1: Pulling from .*\/lab\/one\n(\w{12}: Pull complete\n){2}/);
    expect(pulled.out).toContain(
      `Digest: ${digest}\nStatus: Downloaded newer image for ${name}\n${name}\n`,
    );
    expect((await box(...elsewhere(), 'images', '-q', '--no-trunc')).out.trim()).toBe(image?.id);
    const again = await box(...elsewhere(), 'pull', name);
    expect(again.out).toContain(`Status: Image is up to date for ${name}\n`);
    expect((await box(...elsewhere(), 'pull', '-q', name)).out).toBe(`${name}\n`);
    const row = (await box(...elsewhere(), 'images', '--digests', '--format', '{{.Digest}}')).out;
    expect(row).toBe(`${digest}\n`);
    // The digest goes with the last tag.
    const { out } = await box(...elsewhere(), 'rmi', name);
    expect(out).toContain(`Untagged: ${name.replace(/:v1$/, '')}@${digest}\n`);
    expect(await (await openStore(join(place.base, 'elsewhere'))).images()).toEqual([]);
  });

  itNeeds(need, 'what is not there is told in one line', async () => {
    await using registry = await startRegistry();
    const missing = await box('pull', '-q', `${registry.host}/none`);
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toMatch(/^box: .*\/none:latest: not found .*\n$/);
    const unknown = await box('push', `${registry.host}/none`);
    expect(unknown.err).toMatch(/^box: .*\/none:latest: no such image in the store\n$/);
    expect(await (await openStore(place.root)).images()).toEqual([]);
  });

  itNeeds(need, 'at a terminal each layer has a line that changes', async () => {
    await using registry = await startRegistry();
    const { name, manifest } = await push(registry);
    const ran = await atTerminal(form, place, [...elsewhere(), 'pull', name]);
    expect(ran.code).toBe(0);
    const rows = ran.screen.filter((row) => /^\w{12}: /.test(row));
    const layers = manifest.layers.map((digest) => digest.slice(7, 19));
    expect(rows).toEqual(layers.map((layer) => `${layer}: Pull complete`));
  });

  itNeeds(need, 'Ctrl-C during a pull ends it with 130, and nothing is half there', async () => {
    await using registry = await startRegistry();
    const { name, image, manifest } = await push(registry);
    const [low, high] = image?.layers ?? [];
    const held = manifest.layers[1] ?? '';
    // Of the upper layer nothing ever comes.
    await using proxy = await startProxy(registry.host, {
      answer: ({ path }) => path.endsWith(held),
    });
    const root = join(place.base, 'elsewhere');
    const [program, ...before] = form.argv;
    const args = [...before, '--root', root, 'pull', name.replace(registry.host, proxy.host)];
    const child = execa(program, args, { env: place.env, extendEnv: false, reject: false });
    const store = await openStore(root);
    const chains = chainIds([low?.diffId ?? 'sha256:', high?.diffId ?? 'sha256:']);
    const begun = () => proxy.seen.some(({ path }) => path.endsWith(held));
    await expect
      .poll(async () => begun() && (await store.layer(chains[0] ?? 'sha256:')))
      .toBeTruthy();
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: 'box: ended by SIGINT' });
    expect(await store.images()).toEqual([]);
    expect(await store.verify()).toEqual([]);
    // The lower layer is whole, and saves the next pull some work, until somebody prunes.
    expect(await store.layer(chains[1] ?? 'sha256:')).toBe(null);
    expect(readdirSync(join(root, 'overlay2'))).toHaveLength(2);
    await box(...elsewhere(), 'image', 'prune', '-f');
    expect(readdirSync(join(root, 'overlay2'))).toEqual(['l']);
    expect(readdirSync(join(root, 'blobs/sha256'))).toEqual([]);
  });

  itNeeds(need, 'login keeps what the registry takes, for its owner alone', async () => {
    await using registry = await startRegistry({
      auth: (directory) => {
        const path = join(directory, 'htpasswd');
        writeFileSync(path, HTPASSWD);
        return { htpasswd: { realm: 'test', path } };
      },
    });
    const file = join(place.env.DOCKER_CONFIG ?? '', 'config.json');
    const refused = await push(registry);
    expect(refused.pushed.code).toBe(1);
    expect(refused.pushed.err).toMatch(/^box: .*unauthorized[^\n]*\n$/);
    const login = ['login', '-u', 'someone', '--password-stdin', registry.host];
    const wrong = await place.feed('other\n', ...login);
    expect(wrong).toMatchObject({ code: 1, out: '' });
    expect(wrong.err).toMatch(/^box: .*unauthorized[^\n]*\n$/);
    expect(statSync(file, { throwIfNoEntry: false })).toBe(undefined);
    const right = await place.feed('secret\n', ...login);
    expect(right).toMatchObject({ code: 0, out: `Login Succeeded; kept in ${file}\n`, err: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { auths } = JSON.parse(readFileSync(file, 'utf8'));
    expect(Buffer.from(auths[registry.host].auth, 'base64').toString()).toBe('someone:secret');
    expect(await box('push', '-q', refused.name)).toMatchObject({ code: 0, err: '' });
    const out = await box('logout', registry.host);
    expect(out).toMatchObject({
      code: 0,
      out: `Removing login credentials for ${registry.host}\n`,
    });
    expect((await box('push', '-q', refused.name)).code).toBe(1);
    expect((await box('logout', registry.host)).out).toContain('Not logged in');
  });
});
