import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { makeBundle } from './bundle.fixture.ts';
import type { ContainerCgroup } from './cgroup.ts';
import { v2Resources, weightOfShares } from './resources-v2.ts';

describe('limits', () => {
  itNeeds(['root', 'cgroup-v1'], 'of a configuration are in the files of version 1', async () => {
    await using bundle = makeBundle();
    bundle.configure((spec) => {
      spec.process.args = ['sleep', '100'];
      spec.linux.resources = {
        memory: { limit: 32 << 20, reservation: 16 << 20 },
        cpu: { shares: 512, cpus: '0' },
        pids: { limit: 33 },
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
        ],
      };
    });
    const made = await bundle.box('create', '-b', bundle.directory, bundle.id);
    expect(made.stderr).toBe('');
    const state = readFileSync(join(bundle.root, bundle.id, 'state.json'), 'utf8');
    const { v1 } = (JSON.parse(state) as { cgroup: ContainerCgroup }).cgroup;
    const read = (controller: string, file: string) =>
      readFileSync(join(v1[controller] ?? '', file), 'utf8').trim();
    expect(read('memory', 'memory.limit_in_bytes')).toBe(String(32 << 20));
    expect(read('memory', 'memory.soft_limit_in_bytes')).toBe(String(16 << 20));
    expect(read('cpu', 'cpu.shares')).toBe('512');
    expect(read('cpuset', 'cpuset.cpus')).toBe('0');
    expect(read('pids', 'pids.max')).toBe('33');
    const devices = read('devices', 'devices.list').split('\n');
    expect(devices).toContain('c 10:229 rw');
    expect(devices).toContain('c 1:3 rwm');
    expect(devices).not.toContain('a *:* rwm');
  });

  itNeeds(
    ['root'],
    'that this machine cannot hold are all named, and nothing is made',
    async () => {
      await using bundle = makeBundle();
      const { status, stderr } = await bundle.run('true', (spec) => {
        spec.linux.resources = { unified: { 'memory.nothing': '1' } };
      });
      expect(status).toBe(1);
      expect(stderr).toContain('memory.nothing');
      expect((await bundle.box('list', '-q')).stdout).toBe('');
    },
  );

  it('are converted for version 2 as other runtimes do it', () => {
    expect([2, 1024, 262_144].map(weightOfShares)).toEqual([1, 39, 10_000]);
    const texts = (
      controller: string,
      resources: Parameters<NonNullable<(typeof v2Resources)[string]>>[0],
    ) => v2Resources[controller]?.(resources).map(({ file, text }) => `${file}=${text}`);
    expect(texts('memory', { memory: { limit: 100, swap: 150, reservation: -1 } })).toEqual([
      'memory.max=100',
      'memory.swap.max=50',
      'memory.low=max',
    ]);
    expect(texts('cpu', { cpu: { quota: 5000, period: 10_000 } })).toEqual(['cpu.max=5000 10000']);
    expect(texts('cpu', { cpu: { period: 10_000 } })).toEqual(['cpu.max=max 10000']);
    expect(texts('pids', { pids: { limit: -1 } })).toEqual(['pids.max=max']);
  });
});
