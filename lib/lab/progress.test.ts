import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readProgress, recordPass } from './progress.ts';

describe('progress', () => {
  let directory: string;
  let before: string | undefined;
  beforeEach(() => {
    before = process.env.UNBOXED_MY;
    directory = mkdtempSync(join(tmpdir(), 'progress-'));
    process.env.UNBOXED_MY = join(directory, 'my');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    if (before === undefined) delete process.env.UNBOXED_MY;
    else process.env.UNBOXED_MY = before;
  });

  it('is empty before anything was done', () => {
    expect(readProgress()).toEqual({});
  });

  it('keeps the last pass of each lab, by the lab’s runtime and by the learner’s', () => {
    recordPass('01', 'lab', new Date('2026-01-01T00:00:00Z'));
    recordPass('02', 'lab', new Date('2026-01-02T00:00:00Z'));
    recordPass('01', 'mine', new Date('2026-01-03T00:00:00Z'));
    recordPass('01', 'lab', new Date('2026-01-04T00:00:00Z'));
    expect(readProgress()).toEqual({
      '01': { lab: '2026-01-04T00:00:00.000Z', mine: '2026-01-03T00:00:00.000Z' },
      '02': { lab: '2026-01-02T00:00:00.000Z' },
    });
    expect(readdirSync(join(directory, 'my'))).toEqual(['progress.json']);
  });

  it('that is no JSON is named, with what to do', () => {
    recordPass('01', 'lab');
    writeFileSync(join(directory, 'my', 'progress.json'), '{');
    expect(readProgress).toThrow(/progress\.json: not JSON; delete it/);
  });
});
