/**
 * Two layers that do harm together: the lower one holds a link to a directory of the host, the upper
 * one a file below a directory of the same name. And the way to unpack them that one writes first.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import type { UnpackFunction } from '../../lib/lab/lab.ts';
import type { Subject } from '../../lib/lab/subject.ts';

export interface Hostile {
  /** The tars, from the bottom up. */
  layers: [string, string];
  /** The directory that the link leads to. */
  outside: string;
  /** What is there afterwards when the link was followed. */
  planted: string;
}

const WORD = 'planted';

/** Makes them beside the run's root, with tar(1). */
export async function makeHostile({ rootfs }: Subject): Promise<Hostile> {
  const run = dirname(rootfs);
  const [top, outside] = [`${run}/hostile`, `${run}/outside`];
  for (const path of [top, outside]) rmSync(path, { recursive: true, force: true });
  mkdirSync(outside);
  mkdirSync(`${top}/one`, { recursive: true });
  symlinkSync(outside, `${top}/one/opt`);
  mkdirSync(`${top}/two/opt`, { recursive: true });
  writeFileSync(`${top}/two/opt/${WORD}`, `${WORD}\n`);
  const layers: Hostile['layers'] = [`${top}/1.tar`, `${top}/2.tar`];
  await execa('tar', ['-C', `${top}/one`, '-cf', layers[0], 'opt']);
  await execa('tar', ['-C', `${top}/two`, '-cf', layers[1], `opt/${WORD}`]);
  return { layers, outside, planted: `${outside}/${WORD}` };
}

/** All layers into one directory, one after the other. */
export const naiveUnpack: UnpackFunction = async (layers, directory) => {
  for (const layer of layers) await extract(layer, directory);
  return [directory];
};

async function extract(layer: Readable, directory: string): Promise<void> {
  await execa('tar', ['-C', directory, '-xf', '-'], { input: layer });
}
