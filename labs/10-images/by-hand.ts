/**
 * What the steps of lab 10 have in common: images that they build, and what they show of them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { executeInContainer } from '../../lib/container/build-step.ts';
import { type BuildEvent, buildImage } from '../../lib/image/build/build.ts';
import { historyOf } from '../../lib/image/history.ts';
import { formatBytes } from '../../lib/image/stack-text.ts';
import type { ImageRecord } from '../../lib/image/store.ts';
import type { StepContext } from '../../lib/lab/lab.ts';
import type { LabImages } from '../../lib/lab/lab-images.ts';
import type { Subject } from '../../lib/lab/subject.ts';

export const runOf = ({ rootfs }: Subject): string => dirname(rootfs);

export function imagesOf({ images, name }: Subject): LabImages {
  if (!images) throw new TypeError(`${name} has no images here`);
  return images;
}

const HELLO = 'FROM unboxed/base\nRUN echo "Hello world" > /tmp/newfile\n';
const FILES = 'FROM unboxed/base\nCOPY a /opt/\nCOPY b /opt/\n';

export const buildHello = (lab: StepContext, tell?: (event: BuildEvent) => void) =>
  build(lab, { name: 'hello', text: HELLO, tell });

export const buildFiles = (lab: StepContext, tell?: (event: BuildEvent) => void) =>
  build(lab, { name: 'files', text: FILES, tell });

interface Wanted {
  name: string;
  text: string;
  tell: ((event: BuildEvent) => void) | undefined;
}

/** In a directory of that name, to an image `lab/NAME`. What was built before is in the cache. */
async function build(
  { subject }: StepContext,
  { name, text, tell = () => undefined }: Wanted,
): Promise<ImageRecord> {
  const context = `${runOf(subject)}/${name}`;
  mkdirSync(context, { recursive: true });
  writeFileSync(`${context}/Dockerfile`, text);
  for (const file of ['a', 'b']) writeFileSync(`${context}/${file}`, `file ${file}\n`);
  return buildImage({
    store: imagesOf(subject).store,
    context,
    names: [`lab/${name}`],
    execute: executeInContainer,
    network: 'none',
    onEvent: tell,
  });
}

/** Prints a build as it goes. */
export const telling = (show: (text: string) => void) => (event: BuildEvent) => {
  if (event.kind === 'step') show(`${event.number}/${event.of} ${event.text}`);
  else if (event.kind === 'cached') show('    from the cache');
  else if (event.kind === 'layer') show(`    new layer, ${formatBytes(event.size)}`);
};

/** As `history` prints it, newest first. */
export async function showHistory(
  { subject, show }: StepContext,
  image: ImageRecord,
): Promise<void> {
  const rows = await historyOf(imagesOf(subject).store, image);
  for (const { createdBy, size } of rows) show(`${formatBytes(size).padStart(8)}  ${createdBy}`);
}
