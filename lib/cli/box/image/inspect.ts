/**
 * `box image inspect`: all that is known of an image, in Docker's names.
 */
import { realpathSync } from 'node:fs';
import type { Command } from 'commander';
import { chainIds } from '../../../image/chain-id.ts';
import type { ImageRecord, Store } from '../../../image/store.ts';
import { compileTemplate } from '../../template/template.ts';
import { type Struct, toJson, type Value } from '../../template/values.ts';
import { findImage, forEach } from '../find-image.ts';
import { openImages } from '../globals.ts';
import { shortName } from './remove.ts';
import { readName } from './rows.ts';

export async function inspectImages(
  names: string[],
  { format }: { format?: string },
  command: Command,
): Promise<void> {
  const { store } = await openImages(command);
  const print =
    format === undefined
      ? null
      : format === 'json'
        ? (it: Struct) => toJson(it)
        : compileTemplate(format);
  const found: Struct[] = [];
  process.exitCode = await forEach(names, async (name) => {
    found.push(await describeImage(store, await findImage(store, name)));
  });
  if (print === null) process.stdout.write(`${toJson(found, '    ')}\n`);
  else for (const image of found) process.stdout.write(`${print(image)}\n`);
}

async function describeImage(store: Store, image: ImageRecord): Promise<Struct> {
  const { config } = image;
  const names = image.names.map(readName);
  const top = chainIds(config.rootfs.diff_ids).at(-1);
  const [upper, ...lowers] = top
    ? (await store.lowerdirs(top)).map((path) => realpathSync(path))
    : [];
  return {
    Id: image.id,
    RepoTags: names.filter(({ tag }) => tag !== null).map(({ full }) => shortName(full)),
    RepoDigests: names.filter(({ tag }) => tag === null).map(({ full }) => shortName(full)),
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: image.created ?? '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    Variant: config.variant ?? '',
    Os: config.os,
    Size: image.size,
    GraphDriver: {
      Data: new Map(
        Object.entries({
          ...(lowers.length > 0 ? { LowerDir: lowers.join(':') } : {}),
          ...(upper ? { UpperDir: upper } : {}),
        }),
      ),
      Name: 'overlay2',
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Config: describeConfig(config.config ?? {}),
  };
}

const asMap = (entries: object | undefined): Value =>
  entries ? new Map(Object.entries(entries) as [string, Value][]) : null;

function describeConfig(config: NonNullable<ImageRecord['config']['config']>): Struct {
  const { Healthcheck, Shell, StopSignal } = config;
  return {
    User: config.User ?? '',
    ExposedPorts: asMap(config.ExposedPorts),
    Env: config.Env ?? [],
    Entrypoint: config.Entrypoint ?? null,
    Cmd: config.Cmd ?? null,
    Volumes: asMap(config.Volumes),
    WorkingDir: config.WorkingDir ?? '',
    OnBuild: config.OnBuild ?? null,
    Labels: asMap(config.Labels),
    ...(StopSignal === undefined ? {} : { StopSignal }),
    ...(Shell === undefined ? {} : { Shell }),
    ...(Healthcheck === undefined ? {} : { Healthcheck: { ...Healthcheck } }),
  };
}
