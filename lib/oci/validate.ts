/**
 * A configuration against the specification: an error names each place in the JSON that does not
 * hold, what was found there, and what is allowed.
 *
 *   config.json: linux.namespaces[0].type: found "pids"; allowed: pid, network, mount, …
 *
 * OCI runtime-spec, config.md and its JSON schema
 */
import type { ErrorObject } from 'ajv';
import { configSchema, processSchema, resourcesSchema } from './config.schema.ts';
import { holds } from './holds.ts';
import { OciError } from './oci-error.ts';
import type { Process, Resources, Spec } from './spec.ts';

/** Throws OciError with everything that does not hold. `where` is the file. */
export const validateSpec = (value: unknown, where: string): Promise<Spec> =>
  validate(configSchema, value, where) as Promise<Spec>;

/** The same for a process by itself, as `exec` takes it. */
export const validateProcess = (value: unknown, where: string): Promise<Process> =>
  validate(processSchema, value, where) as Promise<Process>;

/** And for resources, as `update` takes them. */
export const validateResources = (value: unknown, where: string): Promise<Resources> =>
  validate(resourcesSchema, value, where) as Promise<Resources>;

async function validate(
  schema: Readonly<Record<string, unknown>>,
  value: unknown,
  where: string,
): Promise<unknown> {
  const given = withoutNulls(value);
  if (holds(schema, given)) return given;
  const { Ajv } = await import('ajv');
  const check = new Ajv({ allErrors: true, verbose: true, strict: false }).compile(schema);
  check(given);
  const lines = (check.errors ?? []).map((error) => `${where}: ${describe(error)}`);
  throw new OciError([...new Set(lines)].join('\n'));
}

/** Null is what is not there, for those who write their empty values. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === null ? [] : [[key, withoutNulls(inner)]],
    ),
  );
}

function describe({ instancePath, keyword, params, data }: ErrorObject): string {
  const path = pathOf(instancePath);
  if (keyword === 'required') {
    const name = [path, params.missingProperty].filter(Boolean).join('.');
    return `${name}: missing; it has to be there`;
  }
  return `${path || 'all of it'}: found ${short(data)}; allowed: ${allowedBy(keyword, params)}`;
}

function allowedBy(keyword: string, params: Record<string, unknown>): string {
  switch (keyword) {
    case 'enum':
      return (params.allowedValues as string[]).filter(Boolean).join(', ');
    case 'type':
      return [params.type]
        .flat()
        .filter((type) => type !== 'null')
        .join(' or ');
    case 'pattern':
      return `text that matches ${params.pattern}`;
    case 'minItems':
      return `at least ${params.limit} of them`;
    case 'minLength':
      return 'text that is not empty';
    default:
      return `${params.comparison} ${params.limit}`;
  }
}

/** `/linux/namespaces/0/type` as `linux.namespaces[0].type`. */
const pathOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => {
      if (/^\d+$/.test(part)) return `${path}[${part}]`;
      return path === '' ? part : `${path}.${part}`;
    }, '');

const MOST = 60;

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
