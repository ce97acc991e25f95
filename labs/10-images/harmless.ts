/**
 * Two layers as images have them: the upper one changes a file of the lower one and removes another,
 * which a tar says by an empty file `.wh.NAME`. OCI image-spec, layer.md, "Whiteouts"
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import type { Subject } from '../../lib/lab/subject.ts';

/** By name; each file holds one word. */
const LOWER = { both: 'lower', gone: 'lower', only: 'lower' };
const UPPER = { both: 'upper', '.wh.gone': '' };

/** What is in the lower one, and in the two together, as `NAME:WORD` for each file. */
export const LOWER_ALONE = 'both:lower gone:lower only:lower';
export const TOGETHER = 'both:upper only:lower';

/** The directory that all of their files are in. */
export const INSIDE = 'srv';

/** Makes the tars beside the run's root, with tar(1); from the bottom up. */
export async function makeHarmless({ rootfs }: Subject): Promise<[string, string]> {
  const top = `${dirname(rootfs)}/harmless`;
  rmSync(top, { recursive: true, force: true });
  const pack = async (name: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(`${top}/${name}/${INSIDE}`, { recursive: true });
    for (const [file, word] of Object.entries(files)) {
      writeFileSync(`${top}/${name}/${INSIDE}/${file}`, word);
    }
    await execa('tar', ['-C', `${top}/${name}`, '-cf', `${top}/${name}.tar`, INSIDE]);
    return `${top}/${name}.tar`;
  };
  return [await pack('lower', LOWER), await pack('upper', UPPER)];
}
