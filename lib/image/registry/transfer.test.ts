import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { type Need, needs } from '../../observe/needs.ts';
import { digestOf } from '../digest.ts';
import { fetchDocument, putDocument } from './documents.ts';
import { openBlob } from './download.ts';
import { type Mischief, startProxy } from './proxy.fixture.ts';
import { startRegistry, type TestRegistry } from './registry.fixture.ts';
import { openRepository } from './repository.ts';
import { hasBlob, mountBlob, uploadBlob } from './upload.ts';

const need: Need[] = ['command:docker-registry'];
const patience = { firstWait: 1, silence: 5000 };
const content = randomBytes(3_000_000);
const blob = { digest: digestOf(content), size: content.length };

describe('blobs', () => {
  let registry: TestRegistry;
  const open = (host: string, repository: string) =>
    openRepository({ registry: host, repository }, 'pull,push', { patience });

  beforeAll(async () => {
    if (!needs(...need).met) return;
    registry = await startRegistry();
    await uploadBlob(open(registry.host, 'filled'), () => Readable.from([content]));
  });
  afterAll(async () => registry?.[Symbol.asyncDispose]());

  itNeeds(need, 'go up as a stream of which only the end tells the digest', async () => {
    const repository = open(registry.host, 'up');
    expect(await hasBlob(repository, blob.digest)).toBe(false);
    const told: number[] = [];
    const parts = Readable.from([content.subarray(0, 5), content.subarray(5)]);
    const sent = await uploadBlob(repository, () => parts, { onProgress: (it) => told.push(it) });
    expect(sent).toEqual(blob);
    expect(told).toEqual([5, content.length]);
    const seen = await fetch(`${registry.url}/v2/up/blobs/${blob.digest}`);
    expect(digestOf(Buffer.from(await seen.arrayBuffer()))).toBe(blob.digest);
    expect(await hasBlob(repository, blob.digest)).toBe(true);
  });

  itNeeds(need, 'are mounted from another repository without being sent', async () => {
    const repository = open(registry.host, 'mounted');
    expect(await mountBlob(repository, blob.digest, 'filled')).toBe(true);
    expect((await fetch(`${registry.url}/v2/mounted/blobs/${blob.digest}`)).ok).toBe(true);
  });

  itNeeds(need, 'are mounted also when the line breaks: twice is as once', async () => {
    await using proxy = await startProxy(registry.host, {
      answer: ({ method }, times, response) => {
        const breaks = method === 'POST' && times === 1;
        if (breaks) response.socket?.destroy();
        return breaks;
      },
    });
    expect(await mountBlob(open(proxy.host, 'mounted'), blob.digest, 'filled')).toBe(true);
    expect(proxy.seen.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });

  itNeeds(need, 'are not mounted from where they are not', async () => {
    await using watched = await startProxy(registry.host, {});
    expect(await mountBlob(open(watched.host, 'other'), blob.digest, 'empty')).toBe(false);
    // The upload that the registry has begun in its place is taken back.
    expect(watched.seen.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
    await using proxy = await startProxy(registry.host, {
      answer: (_, __, response) => {
        response.writeHead(404).end();
        return true;
      },
    });
    expect(await mountBlob(open(proxy.host, 'other'), blob.digest, 'filled')).toBe(false);
  });

  itNeeds(need, 'come down whole', async () => {
    const down = await buffer(openBlob(open(registry.host, 'filled'), blob));
    expect(digestOf(down)).toBe(blob.digest);
  });

  const through = async (mischief: Mischief) => {
    const proxy = await startProxy(registry.host, mischief);
    const retries: string[] = [];
    const stream = openBlob(open(proxy.host, 'filled'), blob, {
      onRetry: (why) => retries.push(why),
    });
    const result = await buffer(stream).catch((error: Error) => error);
    await proxy[Symbol.asyncDispose]();
    return { result, retries, ranges: proxy.seen.map(({ range }) => range) };
  };
  const cutTwice: Mischief = {
    cutAfter: (_, times) => [1_000_000, 500_000][times - 1] ?? null,
  };

  itNeeds(need, 'go on where the line broke', async () => {
    const { result, ranges, retries } = await through(cutTwice);
    expect(digestOf(result as Buffer)).toBe(blob.digest);
    expect(ranges).toEqual([null, 'bytes=1000000-', 'bytes=1500000-']);
    expect(retries).toHaveLength(2);
  });

  itNeeds(need, 'are whole also where the server knows no ranges', async () => {
    const { result } = await through({ ...cutTwice, drop: ['range'] });
    expect(digestOf(result as Buffer)).toBe(blob.digest);
  });

  itNeeds(need, 'that end too soon, and say nothing, are gone on with too', async () => {
    const { result, ranges } = await through({
      answer: (_, times, response) => {
        if (times === 1) {
          // In chunks, which have no length in the header.
          response.write(content.subarray(0, 1000));
          response.end();
        }
        return times === 1;
      },
    });
    expect(digestOf(result as Buffer)).toBe(blob.digest);
    expect(ranges).toEqual([null, 'bytes=1000-']);
  });

  itNeeds(need, 'end with an error when nothing more comes', async () => {
    const { result, ranges } = await through({
      cutAfter: (_, times) => (times === 1 ? 10 : 0),
    });
    expect(result).toMatchObject({ name: 'RegistryError', kind: 'connection' });
    expect(ranges).toHaveLength(5);
  });

  itNeeds(need, 'may not be longer than promised', async () => {
    const short = { ...blob, size: 1000 };
    const stream = openBlob(open(registry.host, 'filled'), short);
    await expect(buffer(stream)).rejects.toThrow('longer than the 1000 bytes');
  });

  itNeeds(need, 'wait in memory for their reader, no more than was said', async () => {
    const stream = openBlob(open(registry.host, 'filled'), blob, { readAhead: 200_000 });
    stream.read(0);
    while (stream.readableLength < 200_000) await delay(1);
    await delay(50);
    expect(stream.readableLength).toBeLessThan(400_000);
    expect(digestOf(await buffer(stream))).toBe(blob.digest);
  });

  itNeeds(need, 'that were given up leave nothing waiting', async () => {
    const proxy = await startProxy(registry.host, { answer: () => true });
    const stream = openBlob(open(proxy.host, 'filled'), blob);
    stream.read(0);
    while (proxy.seen.length === 0) await delay(1);
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    await proxy[Symbol.asyncDispose]();
  });

  itNeeds(need, 'are sent again from their beginning when the upload breaks', async () => {
    const proxy = await startProxy(registry.host, {
      answer: ({ method }, _, response) => {
        const breaks =
          method === 'PATCH' && proxy.seen.filter((it) => it.method === 'PATCH').length < 2;
        if (breaks) response.socket?.destroy();
        return breaks;
      },
    });
    let opened = 0;
    const sent = await uploadBlob(open(proxy.host, 'again'), () => {
      opened += 1;
      return Readable.from([content]);
    });
    await proxy[Symbol.asyncDispose]();
    expect(sent).toEqual(blob);
    expect(opened).toBe(2);
  });

  itNeeds(need, 'and documents: a tag and a digest give the same bytes', async () => {
    const repository = open(registry.host, 'documents');
    const config = Buffer.from('{"rootfs":{"type":"layers","diff_ids":[]}}');
    const { digest, size } = await uploadBlob(repository, () => config);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size },
      layers: [],
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await putDocument(repository, { bytes, descriptor }, 'v1');
    const fetched = await fetchDocument(repository, 'v1');
    expect(fetched).toMatchObject({ bytes, descriptor });
    expect(await fetchDocument(repository, descriptor)).toMatchObject({ bytes, descriptor });
    await expect(fetchDocument(repository, 'v2')).rejects.toThrow(
      `${registry.host}/documents:v2: not found (MANIFEST_UNKNOWN: manifest unknown); look at`,
    );
  });

  itNeeds(need, 'a document that is stored as another one is an error', async () => {
    await using proxy = await startProxy(registry.host, {
      answer: (_, __, response) => {
        response.writeHead(201, { 'docker-content-digest': blob.digest }).end();
        return true;
      },
    });
    const descriptor = { mediaType: 'x', digest: digestOf('{}'), size: 2 };
    const bytes = Buffer.from('{}');
    const putting = putDocument(open(proxy.host, 'filled'), { bytes, descriptor }, 'v1');
    await expect(putting).rejects.toThrow(`stored ${blob.digest}, not ${descriptor.digest}`);
  });

  itNeeds(need, 'a document that changed on the way is refused', async () => {
    const proxy = await startProxy(registry.host, {
      answer: (_, __, response) => {
        response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' });
        response.end('{}');
        return true;
      },
    });
    const size = 2;
    const digest = `sha256:${createHash('sha256').update('other').digest('hex')}` as const;
    const wanted = { mediaType: '', digest, size };
    const fetching = fetchDocument(open(proxy.host, 'filled'), wanted);
    await expect(fetching).rejects.toThrow(`came with the digest ${digestOf('{}')}, not ${digest}`);
    const longer = fetchDocument(open(proxy.host, 'filled'), { ...wanted, size: 3 });
    await expect(longer).rejects.toThrow('2 bytes long where 3 were promised');
    await proxy[Symbol.asyncDispose]();
  });
});
