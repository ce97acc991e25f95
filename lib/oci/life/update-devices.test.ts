/** The devices of a container that runs are made more and fewer, and it is told so by the kernel. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openBox, planFor } from '../../cgroups/container.fixture.ts';
import { itNeeds } from '../../observe/it-needs.ts';
import { makeBundle, type TestBundle } from '../bundle.fixture.ts';
import { applyDeviceRules } from '../resources.ts';
import type { DeviceRuleSpec } from '../spec.ts';
import type { Stored } from './store.ts';

const none: DeviceRuleSpec = { allow: false, access: 'rwm' };
/** /dev/kmsg, which no container has. */
const kmsg: DeviceRuleSpec = { allow: true, type: 'c', major: 1, minor: 11, access: 'rw' };

async function start(bundle: TestBundle, rules: DeviceRuleSpec[]): Promise<Stored['cgroup']> {
  bundle.configure(({ process, linux }) => {
    process.args = ['sleep', '100'];
    linux.devices = [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 11 }];
    linux.resources = { devices: rules };
  });
  expect((await bundle.box('run', '-d', '-b', bundle.directory, bundle.id)).stderr).toBe('');
  const state = readFileSync(join(bundle.root, bundle.id, 'state.json'), 'utf8');
  return (JSON.parse(state) as Stored).cgroup;
}

/** What refuses it: the rules, or something else, or nothing. */
async function isRefused({ box, id }: TestBundle): Promise<boolean> {
  const { stderr } = await box('exec', id, 'sh', '-c', ': > /dev/kmsg');
  return stderr.includes('Operation not permitted');
}

async function update({ box, id, directory }: TestBundle, devices: DeviceRuleSpec[]) {
  const file = join(directory, 'resources.json');
  writeFileSync(file, JSON.stringify({ devices }));
  expect(await box('update', '--resources', file, id)).toMatchObject({ status: 0, stderr: '' });
}

describe('update of devices', () => {
  itNeeds(['root'], 'gives more and takes them back', async () => {
    await using bundle = makeBundle();
    await start(bundle, [none]);
    expect(await isRefused(bundle)).toBe(true);
    await update(bundle, [none, kmsg]);
    expect(await isRefused(bundle)).toBe(false);
    await update(bundle, [none]);
    expect(await isRefused(bundle)).toBe(true);
  });

  itNeeds(['root'], 'gives all, but for some, and others instead of them', async () => {
    await using bundle = makeBundle();
    await start(bundle, [none]);
    await update(bundle, [
      { allow: true, access: 'rwm' },
      { ...kmsg, allow: false },
    ]);
    expect(await isRefused(bundle)).toBe(true);
    const other = { ...kmsg, allow: false, minor: 4 };
    await update(bundle, [{ allow: true, access: 'rwm' }, other]);
    expect(await isRefused(bundle)).toBe(false);
    await update(bundle, [none]);
    expect(await isRefused(bundle)).toBe(true);
  });

  itNeeds(['root', 'cgroup-v2'], 'does the same to programs of version 2', async () => {
    await using box = await openBox(planFor(2));
    const opens = async () => (await box.run('(: > /dev/kmsg) 2>&- && echo open')).stdout.trim();
    applyDeviceRules(box.plan, [none]);
    expect(await opens()).toBe('');
    applyDeviceRules(box.plan, [none, kmsg]);
    expect(await opens()).toBe('open');
    applyDeviceRules(box.plan, [none]);
    expect(await opens()).toBe('');
  });

  itNeeds(
    ['root', 'v1:devices'],
    'of version 1 does not begin from nothing, which it may not where cgroups are below',
    async () => {
      await using bundle = makeBundle();
      const { v1 } = await start(bundle, [none]);
      const below = join(v1.devices ?? '', 'below');
      mkdirSync(below);
      try {
        await update(bundle, [none, kmsg]);
        expect(await isRefused(bundle)).toBe(false);
      } finally {
        rmdirSync(below);
      }
    },
  );
});
