/**
 * Lists, in the form that `--format` asks for:
 *
 *     (nothing), table          columns with headings
 *     table {{.ID}}\t{{.Size}}  own columns
 *     json                      an object on each line
 *     {{.ID}}: {{.Size}}        anything else, a line for each
 *
 * docker-cli(1), "Format command and log output"
 */
import { compileTemplate } from '../template/template.ts';
import { type Struct, toJson } from '../template/values.ts';
import { alignColumns } from './table.ts';

export interface Columns {
  /** The heading of each field that a template may name. */
  headings: Readonly<Record<string, string>>;
  /** Which of them make the table that is shown unless one says otherwise. */
  shown: readonly string[];
}

const TABLE = /^table(?:\s+|$)/;

/** With a line break at the end of each line; nothing for no rows, but for a table's headings. */
export function formatListing(
  rows: readonly Struct[],
  { headings, shown }: Columns,
  format = 'table',
): string {
  if (format === 'json') return rows.map((row) => `${toJson(row)}\n`).join('');
  const isTable = TABLE.test(format);
  const own = format.replace(TABLE, '').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const wanted = own === '' ? shown.map((name) => `{{.${name}}}`).join('\t') : own;
  const print = compileTemplate(wanted);
  if (!isTable) return rows.map((row) => `${print(row)}\n`).join('');
  return `${alignColumns([print(headings), ...rows.map(print)])}\n`;
}

/** One thing, or what was asked for about it. `json` is on one line; without a format `whole` is. */
export function formatOne(value: Struct, format: string): string {
  if (format === 'json') return `${toJson(value)}\n`;
  return `${compileTemplate(format)(value)}\n`;
}
