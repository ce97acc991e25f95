/**
 * From the rules of a configuration to what is done with each system call of one interface. A rule
 * without arguments settles its calls, whatever other rules compare; else the first whose
 * comparisons all hold. Names that an interface does not have are left out: profiles list the calls
 * of all of them.
 *
 * OCI runtime-spec config-linux.md "Seccomp"; as libseccomp orders rules, seccomp_rule_add(3)
 */
import type { Seccomp, SeccompRule } from '../spec.ts';
import { answerOf } from './actions.ts';
import { type Condition, conditionOf } from './conditions.ts';
import { multiplexedBy } from './multiplexed.ts';
import { type Abi, numberOf } from './syscall-numbers.ts';

/** What is done with one system call. */
export interface Treatment {
  tests: { conditions: readonly Condition[]; answer: number }[];
  /** Where no test holds; undefined is what is done with calls that nobody names. */
  otherwise?: number;
}

export interface Rule {
  names: readonly string[];
  answer: number;
  /** Any of these is enough; none at all always holds. */
  alternatives: readonly (readonly Condition[])[];
}

/** Throws OciError for an action, errno or comparison that is not allowed. */
export function readRules(seccomp: Seccomp): Rule[] {
  return (seccomp.syscalls ?? []).map((rule, index) => {
    const where = `linux.seccomp.syscalls[${index}]`;
    return {
      names: rule.names,
      answer: answerOf(rule.action, rule.errnoRet, `${where}.action`),
      alternatives: alternativesOf(rule, where),
    };
  });
}

/** All comparisons have to hold, but those of one argument, named twice, are one rule each. */
function alternativesOf({ args }: SeccompRule, where: string): readonly Condition[][] {
  const conditions = (args ?? []).map((each, i) => conditionOf(each, `${where}.args[${i}]`));
  const arguments_ = new Set(conditions.map(({ index }) => index));
  if (conditions.length === 0) return [];
  return arguments_.size === conditions.length ? [conditions] : conditions.map((each) => [each]);
}

/** By number. `usual` is the answer to calls that no rule names. */
export function treatmentsOf(
  rules: readonly Rule[],
  abi: Abi,
  usual: number,
): Map<number, Treatment> {
  const treatments = new Map<number, Treatment>();
  const add = (name: string, answer: number, alternatives: Rule['alternatives']) => {
    const number = numberOf(name, abi);
    if (number === undefined) return;
    const treatment = treatments.get(number) ?? { tests: [] };
    treatments.set(number, treatment);
    if (alternatives.length === 0) treatment.otherwise ??= answer;
    for (const conditions of alternatives) treatment.tests.push({ conditions, answer });
  };
  for (const { names, answer, alternatives } of rules) {
    for (const name of names) {
      add(name, answer, alternatives);
      const other = abi === 'x86' ? multiplexedBy(name) : null;
      // What it compares cannot be seen there: to forbid too much is right, to allow it is not.
      if (!other || (alternatives.length > 0 && !isStricter(answer, usual))) continue;
      add(other.through, answer, [[other.condition]]);
    }
  }
  for (const treatment of treatments.values()) {
    if (treatment.otherwise !== undefined) treatment.tests = [];
  }
  return treatments;
}

/** The kernel's own order: killing is below an errno, and that below letting through. */
const isStricter = (answer: number, than: number) => (answer | 0) < (than | 0);

/** The last call that the author of the rules can have known of, or undefined without any. */
export function lastNamed(rules: readonly Rule[], abi: Abi): number | undefined {
  const numbers = rules.flatMap(({ names }) => names.flatMap((name) => numberOf(name, abi) ?? []));
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}
