import { PassThrough } from 'node:stream';
import { expect, it, test } from 'vitest';
import { hasItsBox, showProgress, stageOf } from './progress.ts';

test.each([
  ['==> v2: Uploading base box image as volume into Libvirt storage...', /disk to libvirt/],
  ['==> v1: Importing base box ...', /copying the disk/],
  ['==> v2: Starting domain.', /starting/],
  ['==> v2: Waiting for machine to boot. This may take a few minutes...', /answer/],
  ['==> v2: Rsyncing folder: /a/ => /unboxed', /project/],
  ['    v1: unboxed: Node and npm', /^provisioning: Node and npm$/],
  ['==> v1: Waiting for machine to reboot...', /again/],
])('%s begins a stage', (line, stage) => {
  expect(stageOf(line)).toMatch(stage);
});

test.each([
  '    v2: SSH username: vagrant',
  '    v2: unboxed: failed: x',
  '    v2: unboxed: ready',
])('%s belongs to the stage that is', (line) => expect(stageOf(line)).toBeNull());

test.each([
  ['==> v2: Uploading base box image as volume into Libvirt storage...', false],
  ['\r\x1b[KProgress: 100%', false],
  ['==> v2: Creating image (snapshot of base box volume).', false],
  ['==> v2: Creating domain with the following settings...', true],
  ['==> v2: Starting domain.', true],
  ['==> v1: Importing base box ...', true],
])('%j: its box is in place: %s', (line, there) => expect(hasItsBox(line)).toBe(there));

it('writes a line for each stage that has ended, with its seconds', () => {
  const out = new PassThrough();
  let now = 0;
  const progress = showProgress(out as unknown as NodeJS.WriteStream, () => now);
  progress.begin('starting libvirt');
  now = 1500;
  progress.take('==> v2: Starting domain.');
  progress.take('==> v2: Starting domain.');
  now = 4000;
  progress.end();
  const lines = String(out.read()).split('\n');
  expect(lines).toEqual(['    1.5 s  starting libvirt', '    2.5 s  starting it', '']);
});
