/** A runtime in print for a terminal: what the host does, then what the container does. */
import type { ContainerRow, HostRow, RuntimeRow } from '../container/explain.ts';
import { formatRows, type Layout } from '../launch/explain-text.ts';
import { painter } from './render-paint.ts';

/** Lines; `times` are the host actions' microseconds by name. */
export function formatRuntime(
  rows: readonly RuntimeRow[],
  times: ReadonlyMap<string, number>,
  layout: Layout,
): string[] {
  const paint = painter(layout.color ?? false);
  const heading = (text: string) => paint('bold', text);
  const ofHost = (when: HostRow['when']) =>
    rows.filter((row): row is HostRow => row.half === 'host' && row.when === when);
  const lay = (row: HostRow) => {
    const time = times.get(row.name);
    const took = time === undefined ? '' : `  ${(time / 1000).toFixed(1)} ms`;
    const commands = row.commands.map((command) => `    ${command}`);
    const undoing = row.undoing.map((command) => paint('dim', `    undone by: ${command}`));
    return [`  ${row.name}${paint('dim', took)}`, ...commands, ...undoing];
  };
  const section = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : [heading(title), ...lines, ''];
  const calls = rows.filter((row): row is ContainerRow => row.half === 'container');
  return [
    ...section('The host, before the clone', ofHost('prepare').flatMap(lay)),
    ...section('The host, while the child waits at its gate', ofHost('connect').flatMap(lay)),
    ...section('The new process', formatRows(calls, layout)),
  ].slice(0, -1);
}
