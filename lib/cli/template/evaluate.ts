/**
 * Carrying a template out: the tree is walked with dot, the value that it is about, and what it says
 * is the text that comes out.
 *
 * Go, package text/template
 */
import { CallError, callFunction } from './functions.ts';
import type { Command, Node, Operand, Pipeline } from './syntax.ts';
import { TemplateError } from './template-error.ts';
import {
  isList,
  isMap,
  isStruct,
  isTrue,
  NO_VALUE,
  showValue,
  sortedEntries,
  typeOf,
  type Value,
} from './values.ts';

/** Thrown and caught within: how a loop is left. */
type Leaving = 'break' | 'continue' | null;

interface Variable {
  name: string;
  value: Value;
}

/** What it prints. `text` is the template, for messages. Throws TemplateError. */
export function evaluateTemplate(text: string, nodes: readonly Node[], data: Value): string {
  let out = '';
  const variables: Variable[] = [{ name: '', value: data }];

  const fail = (at: number, what: string): never => {
    throw new TemplateError(text, at, what);
  };

  function walk(all: readonly Node[], dot: Value): Leaving {
    for (const node of all) {
      const leaving = visit(node, dot);
      if (leaving) return leaving;
    }
    return null;
  }

  function visit(node: Node, dot: Value): Leaving {
    switch (node.kind) {
      case 'text':
        out += node.text;
        return null;
      case 'print': {
        const value = evaluate(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) {
          out += value === null || value === undefined ? NO_VALUE : showValue(value);
        }
        return null;
      }
      case 'break':
      case 'continue':
        return node.kind;
    }
    const outer = variables.length;
    const leaving = node.kind === 'range' ? loop(node, dot) : choose(node, dot);
    variables.length = outer;
    return leaving;
  }

  function choose(node: Extract<Node, { kind: 'if' | 'with' }>, dot: Value): Leaving {
    const value = evaluate(node.pipeline, dot);
    if (!isTrue(value)) return walk(node.otherwise, dot);
    return walk(node.then, node.kind === 'with' ? value : dot);
  }

  function loop(node: Extract<Node, { kind: 'range' }>, dot: Value): Leaving {
    const { pipeline, then, otherwise } = node;
    const value = evaluate({ ...pipeline, variables: [] }, dot);
    const entries = entriesOf(value, pipeline.at);
    if (entries.length === 0) return walk(otherwise, dot);
    for (const [key, element] of entries) {
      const outer = variables.length;
      const [first, second] = pipeline.variables;
      if (first !== undefined) set(pipeline, first, second === undefined ? element : key);
      if (second !== undefined) set(pipeline, second, element);
      const leaving = walk(then, element);
      variables.length = outer;
      if (leaving === 'break') break;
    }
    return null;
  }

  function entriesOf(value: Value, at: number): [Value, Value][] {
    if (value === null || value === undefined) return [];
    if (isList(value)) return value.map((element, index) => [index, element]);
    if (isMap(value)) return sortedEntries(value);
    if (typeof value === 'number' && Number.isInteger(value)) {
      return Array.from({ length: Math.max(value, 0) }, (_, index) => [index, index]);
    }
    return fail(at, `range goes over a list, a map or a number, and this is ${typeOf(value)}`);
  }

  function set({ declares }: Pipeline, name: string, value: Value): void {
    if (declares) variables.push({ name, value });
    else Object.assign(variables.findLast((known) => known.name === name) ?? {}, { value });
  }

  function evaluate(pipeline: Pipeline, dot: Value): Value {
    let value: Value;
    for (const [index, command] of pipeline.commands.entries()) {
      value = run(command, dot, index > 0 ? [value] : []);
    }
    for (const name of pipeline.variables) set(pipeline, name, value);
    return value;
  }

  function run({ operands, at }: Command, dot: Value, piped: readonly Value[]): Value {
    const [first, ...rest] = operands;
    if (!first) return fail(at, 'a value is missing');
    if (first.kind === 'function') return call(first, rest, dot, piped);
    return resolve(first, dot);
  }

  function call(
    { name, at }: Extract<Operand, { kind: 'function' }>,
    operands: readonly Operand[],
    dot: Value,
    piped: readonly Value[],
  ): Value {
    if (name === 'and' || name === 'or') {
      let value: Value = piped[0];
      const given = operands.length + piped.length;
      if (given === 0) return fail(at, `${name} wants at least 1 argument, and has 0`);
      for (const operand of operands) {
        value = resolve(operand, dot);
        if (isTrue(value) === (name === 'or')) return value;
      }
      return piped.length > 0 ? piped[0] : value;
    }
    const values = operands.map((operand) => resolve(operand, dot));
    try {
      return callFunction(name, [...values, ...piped]);
    } catch (cause) {
      if (!(cause instanceof CallError)) throw cause;
      throw new TemplateError(text, at, `${name}: ${cause.message}`, { cause });
    }
  }

  function resolve(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'literal':
        return operand.value;
      case 'variable':
        return variables.findLast(({ name }) => name === operand.name)?.value;
      case 'group':
        return evaluate(operand.pipeline, dot);
      case 'function':
        return call(operand, [], dot, []);
      case 'chain': {
        const of = operand.of === null ? dot : resolve(operand.of, dot);
        return operand.fields.reduce<Value>((value, name) => field(value, name, operand.at), of);
      }
    }
  }

  function field(value: Value, name: string, at: number): Value {
    if (isMap(value)) return value.get(name);
    if (isStruct(value)) {
      if (Object.hasOwn(value, name)) return value[name];
      const known = Object.keys(value).join(', ');
      return fail(at, `there is no field ${name}; there are ${known}`);
    }
    return fail(at, `there is no field ${name} in ${typeOf(value)}`);
  }

  walk(nodes, data);
  return out;
}
