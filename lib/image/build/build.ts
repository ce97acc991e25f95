/**
 * Builds an image from a Dockerfile: stage by stage, instruction by instruction, each one either
 * found in the cache or carried out.
 *
 *   Dockerfile ─ parse ─▶ instructions ─ plan ─▶ stages ─▶ for each instruction:
 *        RUN COPY ADD WORKDIR   a layer: from the cache, or by changing the layers below
 *        all others             the next configuration
 *   last stage ─▶ configuration, stored as an image
 *
 * - `buildImage`: the whole of it.
 *
 * Dockerfile reference; OCI image-spec, config.md
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ImageConfig } from '../spec.ts';
import type { ImageRecord, Store } from '../store.ts';
import { hostPlatform } from '../transfer/platform.ts';
import { BuildError } from './build-error.ts';
import type { BuildEvent, Building } from './building.ts';
import { openCache } from './cache.ts';
import { type Dockerfile, parseDockerfile } from './dockerfile.ts';
import { type Dockerignore, IGNORES_NOTHING, parseDockerignore } from './dockerignore.ts';
import { configOf, type Draft } from './draft.ts';
import type { Execute, Network } from './execute.ts';
import { PROXIES } from './scope.ts';
import { buildStage } from './stage.ts';
import { planStages } from './stages.ts';

export type { BuildEvent } from './building.ts';

export interface BuildOptions {
  store: Store;
  /** The directory whose files COPY may take. */
  context: string;
  /** Path of the Dockerfile; `Dockerfile` in the context unless given. */
  dockerfile?: string | undefined;
  /** What the image is to be called. */
  names?: readonly string[];
  buildArgs?: Readonly<Record<string, string>>;
  /** What the image gets besides those of its Dockerfile. */
  labels?: Readonly<Record<string, string>>;
  /** Name or number of the stage to build; the last one unless given. */
  target?: string | undefined;
  /** False makes every layer anew. */
  cache?: boolean;
  /** Carries out RUN: `executeInContainer` of lib/container/build-step.ts. */
  execute: Execute;
  /** Of RUN, unless it says otherwise. Default: the machine's own. */
  network?: Network;
  /** Finds what FROM names; the store's own images unless given. May pull it. */
  findImage?: (name: string) => Promise<ImageRecord | null>;
  /** Seconds since 1970: fixes every time in the image, so that the same files give the same id. */
  sourceDateEpoch?: number | undefined;
  /** Where runs are journalled; the usual place unless given. */
  state?: string | undefined;
  onEvent?: (event: BuildEvent) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Throws BuildError with the line of the Dockerfile, HostError where something of it is not undone.
 * What was made until then is in the cache.
 */
export async function buildImage(options: BuildOptions): Promise<ImageRecord> {
  const { store, context, buildArgs = {}, target, names = [] } = options;
  const dockerfile = readDockerfile(options);
  const platform = hostPlatform();
  const plan = planStages(dockerfile, { target, buildArgs, platform });
  const building: Building = {
    store,
    cache: openCache(store, { reads: options.cache ?? true }),
    dockerfile,
    plan,
    platform,
    buildArgs,
    usedArgs: new Set(),
    context: { root: context, ignore: readIgnore(options), what: 'the build context' },
    execute: options.execute,
    network: options.network ?? 'host',
    findImage: options.findImage ?? ((name) => store.image(name)),
    epoch: options.sourceDateEpoch,
    state: options.state,
    signal: options.signal,
    tell: options.onEvent ?? (() => undefined),
  };
  const built = new Map<number, Draft>();
  let last: Draft | undefined;
  for (const stage of plan.stages) {
    last = await buildStage(building, stage, built);
    built.set(stage.index, last);
  }
  if (!last) throw new BuildError(dockerfile.file, 'there is no stage to build');
  warnOfUnused(building);
  return store.putImage(withLabels(configOf(last), options.labels ?? {}), [...names]);
}

function withLabels(image: ImageConfig, labels: Readonly<Record<string, string>>): ImageConfig {
  if (Object.keys(labels).length === 0) return image;
  const { config = {} } = image;
  return { ...image, config: { ...config, Labels: { ...config.Labels, ...labels } } };
}

function readDockerfile({ context, dockerfile }: BuildOptions): Dockerfile {
  if (!statSync(context, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BuildError(context, 'the build context is a directory, and this is none');
  }
  const path = dockerfile ?? join(context, 'Dockerfile');
  try {
    return parseDockerfile(readFileSync(path, 'utf8'), basename(path));
  } catch (cause) {
    if (cause instanceof BuildError) throw cause;
    throw new BuildError(path, (cause as Error).message, { cause });
  }
}

/** `NAME.dockerignore` beside the Dockerfile comes before the context's own. */
function readIgnore({ context, dockerfile }: BuildOptions): Dockerignore {
  const own = `${dockerfile ?? join(context, 'Dockerfile')}.dockerignore`;
  const path = [own, join(context, '.dockerignore')].find((each) => existsSync(each));
  return path === undefined
    ? IGNORES_NOTHING
    : parseDockerignore(readFileSync(path, 'utf8'), basename(path));
}

function warnOfUnused({ buildArgs, usedArgs, plan, tell }: Building): void {
  const unused = Object.keys(buildArgs).filter(
    (name) => !usedArgs.has(name) && !plan.globals.has(name) && !PROXIES.includes(name),
  );
  if (unused.length === 0) return;
  tell({ kind: 'warning', text: `no ARG asks for the build argument ${unused.join(', ')}` });
}
