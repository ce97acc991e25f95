/**
 * A bundle: a directory with a configuration and, as it says, a root file system.
 *
 * OCI runtime-spec, bundle.md
 */
import { join } from 'node:path';
import { readConfiguration } from './compile-bundle.ts';
import type { Bundle } from './draft.ts';
import { validateSpec } from './validate.ts';

/** Throws OciError for a configuration that is not there or does not hold. */
export async function loadBundle(
  directory: string,
  config = join(directory, 'config.json'),
): Promise<Bundle> {
  return { directory, spec: await validateSpec(readConfiguration(config), config) };
}
