/**
 * What a template is when it has been read: a tree. Each node knows where it stands.
 */
export type Node =
  | { kind: 'text'; text: string; at: number }
  | { kind: 'print'; pipeline: Pipeline; at: number }
  | { kind: 'if' | 'with'; pipeline: Pipeline; then: Node[]; otherwise: Node[]; at: number }
  | { kind: 'range'; pipeline: Pipeline; then: Node[]; otherwise: Node[]; at: number }
  | { kind: 'break' | 'continue'; at: number };

/** `$i, $x := first | second`: each command's value is the last argument of the next one. */
export interface Pipeline {
  /** Names without `$`; two only in a range: the index and the element. */
  variables: string[];
  /** Whether they are new (`:=`) or were declared before (`=`). */
  declares: boolean;
  commands: Command[];
  at: number;
}

/** A value alone, or a function with its arguments. */
export interface Command {
  operands: Operand[];
  at: number;
}

export type Operand = { at: number } & (
  | { kind: 'dot' }
  | { kind: 'nil' }
  | { kind: 'literal'; value: string | number | boolean }
  | { kind: 'function'; name: string }
  /** `.a.b`, `$x.a.b`, `(…).a.b`; `of` null is dot itself. */
  | { kind: 'chain'; of: Operand | null; fields: string[] }
  | { kind: 'variable'; name: string }
  | { kind: 'group'; pipeline: Pipeline }
);
