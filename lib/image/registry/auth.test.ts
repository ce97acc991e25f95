import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { digestOf } from '../digest.ts';
import { parseChallenges } from './challenge.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { startProxy } from './proxy.fixture.ts';
import { startRegistry } from './registry.fixture.ts';
import { openRepository } from './repository.ts';
import { PATIENCE } from './send.ts';
import { fetchToken } from './token.ts';
import { startTokenServer } from './token-server.fixture.ts';
import { hasBlob, mountBlob, uploadBlob } from './upload.ts';

const content = Buffer.from('content');
const digest = digestOf(content);
const someone = { username: 'someone', password: 'secret' };
/** `htpasswd -nbB someone secret` */
const HTPASSWD = 'someone:$2y$05$MuprKhwjSmRSYZjmoOLPdek7Q6C4hpBYfAWUqgE0XHaydP5loVtW6\n';

const open = (registry: string, repository: string, credentials: Credentials | null = null) =>
  openRepository({ registry, repository }, 'pull,push', { credentials });
const opened = (registry: string, repository: string, credentials: Credentials | null = null) =>
  openRepository({ registry, repository }, 'pull', { credentials });

describe('a registry that wants basic authentication', () => {
  const start = () =>
    startRegistry({
      auth: (directory) => {
        const path = join(directory, 'htpasswd');
        writeFileSync(path, HTPASSWD);
        return { htpasswd: { realm: 'test', path } };
      },
    });

  itNeeds(['command:docker-registry'], 'takes name and password', async () => {
    await using registry = await start();
    const repository = open(registry.host, 'a', someone);
    expect(await uploadBlob(repository, () => content)).toMatchObject({ digest });
    expect(await hasBlob(repository, digest)).toBe(true);
  });

  itNeeds(['command:docker-registry'], 'takes them of several requests at once', async () => {
    await using registry = await start();
    const repository = open(registry.host, 'a', someone);
    const found = await Promise.all([1, 2, 3].map(() => hasBlob(repository, digest)));
    expect(found).toEqual([false, false, false]);
  });

  itNeeds(['command:docker-registry'], 'takes what a credential helper has kept', async () => {
    await using registry = await start();
    const helper = join(registry.directory, 'docker-credential-test');
    const answer = JSON.stringify({ Username: someone.username, Secret: someone.password });
    writeFileSync(helper, `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
    const config = JSON.stringify({ credHelpers: { [registry.host]: 'test' } });
    writeFileSync(join(registry.directory, 'config.json'), config);
    const path = process.env.PATH;
    process.env.PATH = `${registry.directory}:${path}`;
    const credentials = await readCredentials(registry.host, registry.directory).finally(() => {
      process.env.PATH = path;
    });
    const repository = open(registry.host, 'a', credentials);
    expect(await uploadBlob(repository, () => content)).toMatchObject({ digest });
  });

  itNeeds(['command:docker-registry'], 'takes no others, and says so in one line', async () => {
    await using registry = await start();
    const refused = { kind: 'unauthorized', status: 401 };
    const wrong = { username: 'someone', password: 'wrong' };
    await expect(hasBlob(open(registry.host, 'a', wrong), digest)).rejects.toMatchObject(refused);
    const nobody = hasBlob(open(registry.host, 'a'), digest);
    await expect(nobody).rejects.toMatchObject(refused);
    await expect(nobody).rejects.toThrow(/^127\S+: unauthorized: it wants basic auth.*; log in/);
  });
});

describe('a registry that wants a token', () => {
  const needed = ['command:docker-registry', 'command:openssl'] as const;

  itNeeds([...needed], 'gives what is public to nobody in particular, no more', async () => {
    await using tokens = await startTokenServer();
    await using registry = await startRegistry(tokens);
    await uploadBlob(open(registry.host, 'public/a', someone), () => content);
    await uploadBlob(open(registry.host, 'private/a', someone), () => content);
    expect(await hasBlob(opened(registry.host, 'public/a'), digest)).toBe(true);
    const refused = { kind: 'unauthorized' };
    await expect(hasBlob(opened(registry.host, 'private/a'), digest)).rejects.toMatchObject(
      refused,
    );
    const pushing = uploadBlob(open(registry.host, 'public/a'), () => content);
    await expect(pushing).rejects.toMatchObject(refused);
  });

  itNeeds([...needed], 'is asked for one per scope, and it is kept', async () => {
    await using tokens = await startTokenServer();
    await using registry = await startRegistry(tokens);
    const repository = open(registry.host, 'public/a', someone);
    for (let i = 0; i < 3; i++) await hasBlob(repository, digest);
    await uploadBlob(repository, () => content);
    expect(tokens.asked).toEqual([
      { scopes: ['repository:public/a:pull,push'], account: 'someone' },
    ]);
    const other = open(registry.host, 'b', someone);
    expect(await mountBlob(other, digest, 'public/a')).toBe(true);
    expect(tokens.asked[1]?.scopes).toEqual(['repository:b:pull,push', 'repository:public/a:pull']);
  });

  itNeeds([...needed], 'may end one before its time', async () => {
    await using tokens = await startTokenServer();
    await using registry = await startRegistry(tokens);
    const { realm } = (tokens.auth() as { token: { realm: string } }).token;
    await using proxy = await startProxy(registry.host, {
      answer: (_, times, response) => {
        if (times !== 3) return false;
        const challenge = `Bearer realm="${realm}",service="test-registry",error="invalid_token"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
        return true;
      },
    });
    const repository = open(proxy.host, 'public/a', someone);
    for (let i = 0; i < 3; i++) expect(await hasBlob(repository, digest)).toBe(false);
    expect(tokens.asked).toHaveLength(2);
  });

  itNeeds([...needed], 'takes an identity token in place of a password', async () => {
    await using tokens = await startTokenServer();
    await using registry = await startRegistry(tokens);
    const repository = open(registry.host, 'private/a', { identityToken: 'an identity token' });
    expect(await uploadBlob(repository, () => content)).toMatchObject({ digest });
    const wrong = hasBlob(opened(registry.host, 'private/a', { identityToken: 'other' }), digest);
    await expect(wrong).rejects.toThrow('gives no token: 401; look at name and password');
  });

  it('with TLS does not get the password sent without it', async () => {
    const [challenge] = parseChallenges('Bearer realm="http://127.0.0.1:1/token"');
    const request = {
      challenge: challenge as NonNullable<typeof challenge>,
      scopes: [],
      credentials: someone,
      plainHttp: false,
    };
    const fetching = fetchToken(request, { where: 'r', patience: PATIENCE });
    await expect(fetching).rejects.toThrow('without TLS');
  });
});

describe('credentials go to the registry alone', () => {
  /** A registry that has its blobs at, and takes uploads at, another host. */
  async function startPair() {
    const elsewhere = await startProxy('127.0.0.1:1', {
      answer: ({ path, method }, _, response) => {
        const headers = { 'www-authenticate': 'Basic realm="elsewhere"', location: '/upload' };
        const put = method === 'PATCH' ? 202 : 201;
        const status = path === '/deny' ? 401 : method === 'GET' ? 200 : put;
        response.writeHead(status, headers).end(content);
        return true;
      },
    });
    const registry = await startProxy('127.0.0.1:1', {
      answer: ({ path, method, authorization }, _, response) => {
        const at = `http://${elsewhere.host}${path.includes('deny') ? '/deny' : '/blob'}`;
        const [status, headers] =
          authorization || path.includes('deny')
            ? [method === 'POST' ? 202 : 307, { location: at }]
            : [401, { 'www-authenticate': 'Basic realm="registry"' }];
        response.writeHead(Number(status), headers as Record<string, string>).end();
        return true;
      },
    });
    return { registry, elsewhere };
  }

  it('and not to where its blobs lie, nor to where an upload goes on', async () => {
    const { registry, elsewhere } = await startPair();
    await using _ = registry;
    await using __ = elsewhere;
    const repository = open(registry.host, 'a', someone);
    const response = await repository.call('blobs/x', { where: 'x' });
    expect(await response.text()).toBe('content');
    await uploadBlob(repository, () => content);
    expect(registry.seen.filter(({ authorization }) => authorization)).toHaveLength(2);
    expect(elsewhere.seen.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'PUT']);
    expect(elsewhere.seen.map(({ authorization }) => authorization)).toEqual([null, null, null]);
  });

  it('nor does a challenge from there count as the registry’s', async () => {
    const { registry, elsewhere } = await startPair();
    await using _ = registry;
    await using __ = elsewhere;
    const repository = open(registry.host, 'a', someone);
    await expect(repository.call('blobs/deny', { where: 'x' })).rejects.toThrow('unauthorized');
    expect(registry.seen).toHaveLength(1);
    const token = open(registry.host, 'a', { identityToken: 'x' }).call('blobs/x', { where: 'x' });
    await expect(token).rejects.toThrow('it wants basic authentication; log in with name');
  });
});

describe('challenges', () => {
  it.each([
    ['Basic realm="a, \\"b\\""', [{ scheme: 'basic', parameters: { realm: 'a, "b"' } }]],
    [
      'Bearer realm="https://x/t",service="s",scope="repository:a:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://x/t', service: 's', scope: 'repository:a:pull,push' },
        },
      ],
    ],
    [
      'Negotiate, BASIC Realm=x , Bearer realm="y"',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'basic', parameters: { realm: 'x' } },
        { scheme: 'bearer', parameters: { realm: 'y' } },
      ],
    ],
    ['', []],
    ['"', []],
  ])('%s', (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });
});
