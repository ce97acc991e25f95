/**
 * `box build`: a Dockerfile to an image, RUN in containers.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { executeInContainer } from '../../../container/build-step.ts';
import { cleanAll } from '../../../host/clean.ts';
import { buildImage } from '../../../image/build/build.ts';
import { ImageError } from '../../../image/image-error.ts';
import { parseReference } from '../../../image/reference.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../../../image/transfer/platform.ts';
import { BoxError, usageError } from '../box-error.ts';
import { openImages } from '../globals.ts';
import { interruptible } from '../interrupt.ts';
import { showBuild } from './build-lines.ts';
import { fetchImage } from './fetch.ts';
import { shortName } from './remove.ts';

export interface BuildFlags {
  tag: string[];
  file?: string;
  buildArg: string[];
  label: string[];
  target?: string;
  cache: boolean;
  network: string;
  quiet?: boolean;
  progress: string;
  iidfile?: string;
  platform?: string;
}

export async function build(context: string, flags: BuildFlags, command: Command): Promise<void> {
  checkFlags(flags);
  if (/^(https?|git|ssh):\/\/|^git@/.test(context)) {
    throw new BoxError(`build ${context}: only directories are built; fetch it first`);
  }
  for (const name of flags.tag) parseReference(name);
  const { store, state } = await openImages(command);
  // What a build that was killed has left mounted.
  await cleanAll({ state });
  const show = showBuild(flags);
  using stdin = await readStdin(context, flags.file);
  const image = await interruptible((signal) =>
    buildImage({
      store,
      state,
      signal,
      context: stdin?.context ?? resolve(context),
      dockerfile: stdin?.dockerfile ?? (flags.file && resolve(flags.file)),
      names: flags.tag,
      buildArgs: pairsOf(flags.buildArg, ({ name }) => process.env[name]),
      labels: pairsOf(flags.label, () => ''),
      target: flags.target,
      cache: flags.cache,
      execute: executeInContainer,
      network: flags.network === 'none' ? 'none' : 'host',
      findImage: async (name) => {
        const found = await store.image(name);
        if (found || isId(name)) return found;
        return (await fetchImage(parseReference(name), { store, state, signal })).image;
      },
      onEvent: show.event,
    }),
  ).catch((error: unknown) => {
    show.failed();
    throw error;
  });
  show.done(
    image,
    flags.tag.map((name) => shortName(name)),
  );
  if (flags.iidfile !== undefined) writeFileSync(flags.iidfile, image.id);
}

/** Throws BoxError. */
function checkFlags({ platform, network, progress }: BuildFlags): void {
  const ours = formatPlatform(hostPlatform());
  if (platform !== undefined && formatPlatform(parsePlatform(platform)) !== ours) {
    throw usageError(
      `build --platform ${platform}: only ${ours} is built here, nothing is emulated`,
    );
  }
  if (!['default', 'host', 'none'].includes(network)) {
    throw usageError(`build --network ${network}: it is default, host or none`);
  }
  if (!['auto', 'plain', 'tty'].includes(progress)) {
    throw usageError(`build --progress ${progress}: it is auto, plain or tty`);
  }
}

/** An id is nothing that a registry could be asked for. */
function isId(name: string): boolean {
  try {
    parseReference(name);
    return false;
  } catch (error) {
    if (error instanceof ImageError) return true;
    throw error;
  }
}

/** `NAME=VALUE`; a name alone has what `otherwise` gives, and is left out where that is nothing. */
function pairsOf(
  texts: readonly string[],
  otherwise: (of: { name: string }) => string | undefined,
): Record<string, string> {
  const pairs = texts.map((text) => {
    const at = text.indexOf('=');
    const name = at < 0 ? text : text.slice(0, at);
    return [name, at < 0 ? otherwise({ name }) : text.slice(at + 1)] as const;
  });
  return Object.fromEntries(
    pairs.filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** The Dockerfile from our input, for `build -` with an empty context. Null where it is a file. */
async function readStdin(context: string, file: string | undefined) {
  if (context !== '-' && file !== '-') return null;
  if (context === '-' && file !== undefined) {
    throw usageError('build -: the Dockerfile comes from the input, so -f has no meaning');
  }
  const bytes = await buffer(process.stdin);
  if (bytes.includes(0)) {
    throw new BoxError(
      'build: the input is no Dockerfile; unpack an archive, and name the directory',
    );
  }
  const directory = mkdtempSync(join(tmpdir(), 'box-build-'));
  const empty = join(directory, 'context');
  mkdirSync(empty);
  const dockerfile = join(directory, 'Dockerfile');
  writeFileSync(dockerfile, bytes);
  return {
    context: context === '-' ? empty : resolve(context),
    dockerfile,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
