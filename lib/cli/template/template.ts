/**
 * Templates for output, in the language that people know from `docker inspect --format`: Go's
 * text/template as far as command lines use it.
 *
 *     {{.Id}} {{range $i, $tag := .RepoTags}}{{if $i}}, {{end}}{{$tag}}{{end}}
 *
 * - `compileTemplate`: reads it once, to be carried out as often as one likes.
 */
import { evaluateTemplate } from './evaluate.ts';
import { parseTemplate } from './parse.ts';
import type { Value } from './values.ts';

/** Returns what carries it out. Both throw TemplateError, which names line and column. */
export function compileTemplate(text: string): (data: Value) => string {
  const nodes = parseTemplate(text);
  return (data) => evaluateTemplate(text, nodes, data);
}
