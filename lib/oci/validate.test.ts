import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { configSchema } from './config.schema.ts';
import { exampleSpec, rootlessSpec } from './example.ts';
import { holds } from './holds.ts';
import { OciError } from './oci-error.ts';
import { validateSpec } from './validate.ts';

async function problems(change: (spec: Record<string, unknown>) => void): Promise<string[]> {
  const spec = structuredClone(exampleSpec()) as unknown as Record<string, unknown>;
  change(spec);
  try {
    await validateSpec(spec, 'config.json');
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(OciError);
    return (error as Error).message.split('\n');
  }
}

/** Each place of the example, one after the other, with something else in it. */
function variants(value: unknown, put: (other: unknown) => unknown): unknown[] {
  const here = [7, -1, 'text', '', true, [], {}, 1.5].map(put);
  if (typeof value !== 'object' || value === null) return here;
  const inner = Object.entries(value).flatMap(([key, one]) => {
    const within = (other: unknown) =>
      put(Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other });
    return variants(one, within);
  });
  const without = Array.isArray(value)
    ? []
    : Object.keys(value).map((key) => put({ ...value, [key]: undefined }));
  return [...here, ...inner, ...without];
}

it('what is walked in place is what a whole validator says', () => {
  const check = new Ajv({ strict: false }).compile(configSchema);
  const all = variants(exampleSpec(), (other) => JSON.parse(JSON.stringify(other ?? null)));
  expect(all.length).toBeGreaterThan(500);
  expect(all.filter((one) => holds(configSchema, one) !== check(one))).toEqual([]);
});

describe('a configuration', () => {
  it('that `spec` writes holds', async () => {
    expect(await problems(() => undefined)).toEqual([]);
    const rootless = await validateSpec(rootlessSpec(1000, 1000), 'config.json');
    expect(rootless.ociVersion).toBe('1.2.0');
  });

  it('is told each place that does not hold, what is there and what may be', async () => {
    const found = await problems((spec) => {
      spec.process = { cwd: 'tmp', args: ['sh', 7], rlimits: [{ type: 'NOFILE', soft: 1 }] };
      spec.linux = { namespaces: [{ type: 'pids' }], rootfsPropagation: 'open' };
    });
    expect(found).toEqual(
      [
        'config.json: process.args[1]: found 7; allowed: string',
        'config.json: process.cwd: found "tmp"; allowed: text that matches ^/',
        'config.json: process.rlimits[0].hard: missing; it has to be there',
        'config.json: process.rlimits[0].type: found "NOFILE"; allowed: text that matches ^RLIMIT_[A-Z]+$',
        'config.json: linux.namespaces[0].type: found "pids"; allowed: pid, network, mount, ipc, uts, user, cgroup, time',
        'config.json: linux.rootfsPropagation: found "open"; allowed: private, shared, slave, unbindable, rprivate, rshared, rslave, runbindable',
      ].sort((a, b) => found.indexOf(a) - found.indexOf(b)),
    );
  });

  it('may have what the specification does not know, and null where nothing is meant', async () => {
    const spec = { ...exampleSpec(), vendor: { x: 1 }, hooks: null, annotations: null };
    expect((await validateSpec(spec, 'config.json')).hooks).toBeUndefined();
  });
});
