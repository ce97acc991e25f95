/**
 * Whether a value holds against a schema of config.schema.ts, walked in place. A validator that
 * compiles the schema first needs longer for that than a container for its start; it is loaded where
 * this one says no, to say why (validate.ts).
 *
 * JSON Schema 2020-12, the keywords that config.schema.ts uses
 */
type Schema = Readonly<Record<string, unknown>>;

export function holds(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    const check = CHECKS[keyword];
    if (!check) throw new TypeError(`config.schema.ts uses ${keyword}, which holds.ts has not`);
    return check(wanted as never, value);
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  array: Array.isArray,
  object: isObject,
  null: (value) => value === null,
};

const patterns = new Map<string, RegExp>();

function expression(pattern: string): RegExp {
  const known = patterns.get(pattern) ?? new RegExp(pattern, 'u');
  patterns.set(pattern, known);
  return known;
}

/** As the standard has it, a keyword says nothing about a value of another type than its own. */
const CHECKS: Readonly<Record<string, (wanted: never, value: unknown) => boolean>> = {
  type: (wanted: string | string[], value) =>
    [wanted].flat().some((type) => TYPES[type]?.(value) ?? false),
  enum: (wanted: unknown[], value) => wanted.includes(value),
  pattern: (wanted: string, value) => typeof value !== 'string' || expression(wanted).test(value),
  minimum: (wanted: number, value) => typeof value !== 'number' || value >= wanted,
  maximum: (wanted: number, value) => typeof value !== 'number' || value <= wanted,
  minLength: (wanted: number, value) => typeof value !== 'string' || value.length >= wanted,
  minItems: (wanted: number, value) => !Array.isArray(value) || value.length >= wanted,
  items: (wanted: Schema, value) =>
    !Array.isArray(value) || value.every((item) => holds(wanted, item)),
  required: (wanted: string[], value) =>
    !isObject(value) || wanted.every((name) => Object.hasOwn(value, name)),
  properties: (wanted: Record<string, Schema>, value) =>
    !isObject(value) ||
    Object.entries(wanted).every(([name, schema]) => {
      return !Object.hasOwn(value, name) || holds(schema, value[name]);
    }),
  additionalProperties: (wanted: Schema, value) =>
    !isObject(value) || Object.values(value).every((inner) => holds(wanted, inner)),
};
