import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itNeeds } from '../../../lib/observe/it-needs.ts';
import { FIRST_PARTITION, writePartitionTable } from './partition-table.ts';

describe('writePartitionTable', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'unboxed-disk-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  itNeeds(['command:sfdisk'], 'makes one bootable Linux partition, as sfdisk reads it', () => {
    const disk = join(directory, 'disk');
    const sector = Buffer.alloc(512);
    const bytes = 3 * 2 ** 30;
    writePartitionTable(sector, bytes, 0x12345678);
    writeFileSync(disk, sector);
    truncateSync(disk, FIRST_PARTITION + bytes);
    const { partitiontable } = JSON.parse(
      execFileSync('sfdisk', ['--json', disk], { encoding: 'utf8' }),
    );
    expect(partitiontable).toMatchObject({ label: 'dos', id: '0x12345678' });
    expect(partitiontable.partitions).toEqual([
      { node: `${disk}1`, start: 2048, size: bytes / 512, type: '83', bootable: true },
    ]);
  });

  it('leaves the boot loader before the table alone', () => {
    const sector = Buffer.alloc(512, 0x33);
    writePartitionTable(sector, 2 ** 30, 1);
    expect(sector.subarray(0, 0x1b8)).toEqual(Buffer.alloc(0x1b8, 0x33));
  });

  it('refuses a size that the table cannot hold', () => {
    for (const bytes of [0, 100, 2 ** 41]) {
      expect(() => writePartitionTable(Buffer.alloc(512), bytes, 1)).toThrow(RangeError);
    }
  });
});
