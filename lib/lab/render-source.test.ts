import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { dedent, findSource } from './render-source.ts';

const LAB = `interface Context { show: (text: string) => void }

export const steps = {
  method: {
    async run({ show }: Context): Promise<void> {
      const count: number = 3; // three
      show(String(count));
    },
  },
  arrow: {
    run: async ({ show }: Context) => {
      show('x' as string);
    },
  },
  named: { run: named },
};

async function named({ show }: Context) {
  show('n');
}
`;

const directory = mkdtempSync(join(tmpdir(), 'source-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** In a Node of its own: vitest compiles what it imports, and then there is nothing to find. */
async function sourceOf(step: string): Promise<string> {
  const file = join(directory, 'lab.ts');
  writeFileSync(file, LAB);
  const room = new URL('./render-source.ts', import.meta.url).href;
  const script = `
    import { readFileSync } from 'node:fs';
    import { findSource } from ${JSON.stringify(room)};
    import { steps } from ${JSON.stringify(file)};
    const source = readFileSync(${JSON.stringify(file)}, 'utf8');
    process.stdout.write(findSource(steps.${step}.run, source));`;
  const options = { preferLocal: true };
  const { stdout, stderr } = await execa(
    process.execPath,
    ['--input-type=module', '-e', script],
    options,
  );
  expect(stderr).toBe('');
  return stdout;
}

describe('the source of a step', () => {
  it('is the file’s own text, with types and comments, without its indentation', async () => {
    expect(await sourceOf('method')).toBe(
      [
        'async run({ show }: Context): Promise<void> {',
        '  const count: number = 3; // three',
        '  show(String(count));',
        '}',
      ].join('\n'),
    );
  });

  it('is found for functions in every form', async () => {
    expect(await sourceOf('arrow')).toMatch(/^async \(\{ show \}: Context\) => \{\n {2}show/);
    expect(await sourceOf('named')).toMatch(/^async function named\(\{ show \}: Context\)/);
  });

  it('is the function’s own text where the file does not have it', () => {
    const elsewhere = () => 'not in the file';
    expect(findSource(elsewhere, LAB)).toBe(elsewhere.toString());
  });
});

describe('dedent', () => {
  it('takes what all lines have, and no more', () => {
    expect(dedent('  a\n\n    b\n  c  ')).toBe('a\n\n  b\nc');
  });
});
