import { describe, expect, it } from 'vitest';
import { LabError } from './lab-error.ts';
import { helpText, readOptions } from './options.ts';

const read = (line: string) => readOptions(line.split(' ').filter((word) => word !== ''));

function refused(line: string): LabError {
  try {
    read(line);
  } catch (error) {
    if (error instanceof LabError) return error;
  }
  throw new Error(`${line} was accepted`);
}

describe('options of a lab', () => {
  it('without arguments ask for the list', () => {
    expect(read('')).toMatchObject({ number: undefined, mode: 'lab', json: false, yes: false });
    expect(read('--json')).toMatchObject({ number: undefined, json: true });
  });

  it('write the lab’s number with two digits', () => {
    expect(read('3').number).toBe('03');
    expect(read('03').number).toBe('03');
  });

  it('name at most one mode', () => {
    expect(read('03 --check').mode).toBe('check');
    expect(read('03 --single-step').mode).toBe('single-step');
    expect(refused('03 --check --attack').message).toMatch(/--check and --attack do not go/);
  });

  it('take the values of flags', () => {
    expect(read('03 --step enter')).toMatchObject({ mode: 'step', step: 'enter' });
    expect(read('03 --rootfs /x --keep --yes')).toMatchObject({
      rootfs: '/x',
      keep: true,
      yes: true,
    });
  });

  it('let the degree of a hint be left out', () => {
    expect(read('03 --hint')).toMatchObject({ mode: 'hint', degree: undefined });
    expect(read('03 --hint 2')).toMatchObject({ mode: 'hint', degree: 2 });
    expect(read('--hint 03')).toMatchObject({ mode: 'hint', degree: undefined, number: '03' });
    expect(refused('03 --hint 4').message).toMatch(/--hint takes 1, 2 or 3, not 4/);
  });

  it.each([
    ['an unknown flag', '03 --bogus', /'--bogus'/],
    ['a flag without its value', '03 --step', /--step/],
    ['two labs', '03 04', /one lab at a time/],
    ['a flag that wants a lab', '--check', /--check wants a lab/],
    ['--on-host for a lab without network', '03 --on-host', /only lab 05/],
  ])('that are wrong are told in one line with exit code 2: %s', (_, line, message) => {
    const error = refused(line);
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });

  it('are all in the help', () => {
    for (const flag of ['--step', '--hint [1-3]', '--on-host', '--rootfs PATH', '--help']) {
      expect(helpText()).toContain(`  ${flag} `);
    }
  });
});
