/**
 * What `docker save` writes: `manifest.json` lists images with their names, configuration and layers,
 * each by its name in the archive. The layers are of no digest there; their diffIDs, in the
 * configuration, are what they are held to.
 *
 *     manifest.json  repositories  CONFIG.json  LAYER/{VERSION,json,layer.tar} …
 *
 * Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format"
 */
import { digestOf, isDigest } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import type { Digest, ImageConfig } from '../spec.ts';
import { parseJson } from '../transfer/document.ts';
import { type IncomingLayer, LARGEST_CONFIG } from '../transfer/source.ts';
import { type ArchiveFiles, readDocumentFile } from './archive-files.ts';
import { type ArchivedImage, counted } from './oci-layout.ts';
import { nameWithin } from './tar-files.ts';

export const MANIFEST_FILE = 'manifest.json';
export const REPOSITORIES_FILE = 'repositories';

const LARGEST_DOCUMENT = 4 * 1024 * 1024;

/** An entry of manifest.json. */
export interface DockerManifest {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[] | null;
}

/** Null when it is no such archive. Throws ImageError. */
export async function readDockerArchive(files: ArchiveFiles): Promise<ArchivedImage[] | null> {
  const bytes = await readDocumentFile(files, MANIFEST_FILE, LARGEST_DOCUMENT);
  if (bytes === null) {
    if (files.size(REPOSITORIES_FILE) === null) return null;
    const remedy = 'load it with Docker and save it again';
    const what = `it has ${REPOSITORIES_FILE} alone: from before Docker 1.10`;
    throw new ImageError(files.where, what, { remedy });
  }
  const where = `${files.where}: ${MANIFEST_FILE}`;
  const list: unknown = parseJson(bytes, where);
  if (!Array.isArray(list)) throw new ImageError(where, 'no list of images');
  return Promise.all(list.map((entry, at) => openImage(files, entry, `${where}: [${at}]`)));
}

async function openImage(
  files: ArchiveFiles,
  entry: Partial<DockerManifest> | null,
  where: string,
): Promise<ArchivedImage> {
  const { Config: name, RepoTags: names, Layers: layers } = entry ?? {};
  if (typeof name !== 'string') throw new ImageError(where, 'it names no Config');
  if (!isTexts(names ?? [])) throw new ImageError(where, 'RepoTags is no list of names');
  if (!isTexts(layers ?? [])) throw new ImageError(where, 'Layers is no list of names');
  const config = await readDocumentFile(files, nameWithin(name, where), LARGEST_CONFIG);
  if (config === null) throw new ImageError(where, `${JSON.stringify(name)} is missing`);
  checkName(name, config, where);
  const diffIds = (parseJson(config, where) as Partial<ImageConfig>).rootfs?.diff_ids ?? [];
  const incoming = (layers ?? []).map((layer, at) =>
    openLayer(files, nameWithin(layer, where), diffIds[at], where),
  );
  return { image: { where: files.where, config, layers: incoming }, names: names ?? [] };
}

function openLayer(
  files: ArchiveFiles,
  name: string,
  diffId: unknown,
  where: string,
): IncomingLayer {
  const size = files.size(name);
  if (size === null) throw new ImageError(where, `${JSON.stringify(name)} is missing`);
  return {
    // How many there are, and of what form, is looked at when they are received.
    digest: isDigest(diffId) ? diffId : digestOf(''),
    size,
    open: (options) => counted(files.open(name), options),
  };
}

/** A configuration is called by its digest. */
function checkName(name: string, config: Buffer, where: string): void {
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  const digest: Digest = digestOf(config);
  if (hex === undefined || digest === `sha256:${hex}`) return;
  throw new ImageError(where, `${JSON.stringify(name)} has the digest ${digest}`);
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
