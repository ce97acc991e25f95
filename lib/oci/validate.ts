/**
 * A configuration against the specification: an error names the place in the JSON, what was found
 * there, and what is allowed.
 *
 * OCI runtime-spec, config.md and its JSON schema
 */
import { OciError } from './oci-error.ts';
import type { Process, Spec } from './spec.ts';

/** Throws OciError with everything that does not hold. `where` is the file. */
export function validateSpec(value: unknown, where: string): Spec {
  if (typeof value !== 'object' || value === null) throw new OciError(`${where}: no JSON object`);
  return value as Spec;
}

/** The same for a process by itself, as `exec` takes it. */
export function validateProcess(value: unknown, where: string): Process {
  if (typeof value !== 'object' || value === null) throw new OciError(`${where}: no JSON object`);
  return value as Process;
}
