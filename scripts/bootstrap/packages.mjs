/**
 * What a folder's package-lock.json asks for against what its node_modules holds. npm writes the
 * second down itself, in node_modules/.package-lock.json, as the last act of an install; so a
 * `npm ci` done by hand counts as well, and an interrupted one does not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The paths of the packages that `folder` lacks or has in another version: [] when nothing is to
 * be done. Packages that are there beyond that are left alone. With `dev`, devDependencies count.
 */
export function missingPackages(folder, { dev }) {
  const installed = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  return wantedPackages(folder, { dev })
    .filter(([path, entry]) => !isSame(entry, installed[path]) || !existsSync(join(folder, path)))
    .map(([path]) => path);
}

/** The [path, entry] pairs of package-lock.json that this system, and with `dev` or without, needs. */
export function wantedPackages(folder, { dev }) {
  const packages = Object.entries(readPackages(join(folder, 'package-lock.json')));
  return packages.filter(([path, entry]) => path !== '' && isForHere(entry, dev));
}

/** The `packages` of a lock file by path; {} where the file is absent or was cut short. */
function readPackages(file) {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * An optional package counts only where it is made for this system and processor (koffi's binary
 * is one). One for a single libc does not: which libc this is cannot be asked cheaply.
 */
function isForHere(entry, dev) {
  if (!dev && (entry.dev || entry.devOptional)) return false;
  if (!entry.optional) return true;
  if (entry.libc !== undefined || (entry.os ?? entry.cpu) === undefined) return false;
  return names(entry.os, process.platform) && names(entry.cpu, process.arch);
}

function names(list, value) {
  return list === undefined || [list].flat().includes(value);
}

function isSame(wanted, installed) {
  return installed?.version === wanted.version && installed?.integrity === wanted.integrity;
}
