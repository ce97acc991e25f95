import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { itNeeds } from '../../../lib/observe/it-needs.ts';
import { gpt } from './gpt.ts';

const MIB = 2 ** 20;

describe('gpt', () => {
  let directory: string;
  let disk: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'unboxed-disk-'));
    disk = join(directory, 'disk');
    const bytes = 100 * MIB;
    const { start, end } = gpt(bytes, '01234567-89ab-cdef-0123-456789abcdef', [
      {
        type: 'EFI system',
        guid: '11111111-2222-3333-4444-555555555555',
        name: 'esp',
        start: MIB,
        bytes: 20 * MIB,
      },
      {
        type: 'Linux filesystem',
        guid: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
        name: 'root',
        start: 21 * MIB,
        bytes: 70 * MIB,
      },
    ]);
    writeFileSync(disk, start);
    truncateSync(disk, bytes);
    writeSync(openSync(disk, 'r+'), end, 0, end.length, bytes - end.length);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const sfdisk = (...args: string[]) =>
    execFileSync('sfdisk', [...args, disk], { encoding: 'utf8' });

  itNeeds(['command:sfdisk'], 'has the partitions that it was given, as sfdisk reads them', () => {
    const { partitiontable } = JSON.parse(sfdisk('--json'));
    expect(partitiontable).toMatchObject({
      label: 'gpt',
      id: '01234567-89AB-CDEF-0123-456789ABCDEF',
    });
    expect(partitiontable.partitions).toEqual([
      {
        node: `${disk}1`,
        start: 2048,
        size: 20 * 2048,
        type: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
        uuid: '11111111-2222-3333-4444-555555555555',
        name: 'esp',
      },
      {
        node: `${disk}2`,
        start: 21 * 2048,
        size: 70 * 2048,
        type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
        uuid: 'AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE',
        name: 'root',
      },
    ]);
  });

  itNeeds(['command:sfdisk'], 'is in order, its second copy too', () => {
    expect(sfdisk('--verify')).toMatch(/No errors detected/);
    // Without the first one the second is what there is.
    const first = Buffer.alloc(33 * 512);
    writeSync(openSync(disk, 'r+'), first, 0, first.length, 512);
    expect(JSON.parse(sfdisk('--json')).partitiontable.partitions).toHaveLength(2);
  });
});
