/**
 * A seccomp configuration as the filter that the kernel runs before every system call of the
 * container. The filter asks, in this order:
 *
 *   which interface?   one that is not listed: the thread is killed
 *   newer than all that the rules name?   ENOSYS, where the rest is forbidden: C libraries then try
 *                      the older call, which they would not after EPERM
 *   which number?      a search that halves, over ranges that are treated alike
 *   which arguments?   one rule after the other
 *
 * Own code in place of libseccomp, which a host need not have and a standalone executable cannot
 * bring along; what a filter needs of it are the numbers (syscall-numbers.ts) and 150 lines.
 *
 * seccomp(2), OCI runtime-spec config-linux.md "Seccomp"
 */
import {
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
} from '../../kernel/constants.ts';
import type { Architecture } from '../../kernel/libc.ts';
import type { Seccomp } from '../spec.ts';
import { answerOf } from './actions.ts';
import { AUDIT_ARCH, abisOf, isNarrow } from './architectures.ts';
import { assembleFilter } from './assemble.ts';
import { ask } from './conditions.ts';
import { type Answer, ARCH, answers, type Decision, NR } from './decision.ts';
import { lastNamed, type Rule, readRules, type Treatment, treatmentsOf } from './rules.ts';
import { type Abi, X32_BIT } from './syscall-numbers.ts';

const ENOSYS = 38;
/** A number that is no call: what a tracer puts there to have none made. */
const NO_CALL = 0xffff_ffff;

/** The filter's instructions, eight bytes each. Throws OciError. */
export function compileFilter(seccomp: Seccomp, machine: Architecture): Uint8Array {
  return assembleFilter(decide(seccomp, machine));
}

/** The same as a tree. */
export function decide(seccomp: Seccomp, machine: Architecture): Decision {
  const say = answers();
  const usual = answerOf(
    seccomp.defaultAction,
    seccomp.defaultErrnoRet,
    'linux.seccomp.defaultAction',
  );
  const rules = readRules(seccomp);
  const abis = abisOf(seccomp.architectures ?? [], machine);
  const unlisted = say(SECCOMP_RET_KILL_THREAD);
  const treeOf = (abi: Abi) => decideNumber(rules, abi, usual, say);

  let tree: Decision = unlisted;
  for (const abi of abis.filter((each) => each !== 'x32').reverse()) {
    const inside =
      abi === 'x86-64'
        ? besideX32(treeOf(abi), abis.includes('x32') ? treeOf('x32') : unlisted)
        : treeOf(abi);
    tree = { load: ARCH, is: 'equal', value: AUDIT_ARCH[abi], yes: inside, no: tree };
  }
  return tree;
}

/** The kernel gives both the same name: x32 is told by a bit, but for the number that is no call. */
function besideX32(x64: Decision, x32: Decision): Decision {
  const none: Decision = { load: NR, is: 'equal', value: NO_CALL, yes: x64, no: x32 };
  return { load: NR, is: 'at-least', value: X32_BIT, yes: none, no: x64 };
}

type Say = (word: number) => Answer;

function decideNumber(rules: readonly Rule[], abi: Abi, usual: number, say: Say): Decision {
  const treatments = treatmentsOf(rules, abi, usual);
  const narrow = isNarrow(abi);
  const known = new Map<string, Decision>();
  const decisionOf = (treatment: Treatment): Decision => {
    const key = keyOf(treatment, usual);
    const decision = known.get(key) ?? decideArguments(treatment, narrow, usual, say);
    known.set(key, decision);
    return decision;
  };

  const ranges: Range[] = [{ from: 0, decision: say(usual) }];
  const add = (from: number, decision: Decision) => {
    if (ranges.at(-1)?.from === from) ranges.pop();
    if (ranges.at(-1)?.decision !== decision) ranges.push({ from, decision });
  };
  for (const [number, treatment] of [...treatments].sort(([a], [b]) => a - b)) {
    add(number, decisionOf(treatment));
    add(number + 1, say(usual));
  }
  const last = lastNamed(rules, abi);
  if (last !== undefined && !letsThrough(usual)) {
    add(last + 1, say((SECCOMP_RET_ERRNO | ENOSYS) >>> 0));
  }
  return search(ranges);
}

const keyOf = ({ tests, otherwise }: Treatment, usual: number) =>
  JSON.stringify([tests, otherwise ?? usual], (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );

/** A tracer can answer for calls that it does not know. */
const letsThrough = (word: number) => {
  const action = (word & 0xffff_0000) >>> 0;
  return [SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE].includes(action);
};

interface Range {
  from: number;
  decision: Decision;
}

function search(ranges: readonly Range[]): Decision {
  const [first] = ranges;
  if (!first) throw new RangeError('nothing to search in');
  if (ranges.length === 1) return first.decision;
  const middle = ranges.length >> 1;
  const [lower, upper] = [ranges.slice(0, middle), ranges.slice(middle)];
  const [yes, no] = [search(upper), search(lower)];
  return { load: NR, is: 'at-least', value: upper[0]?.from ?? 0, yes, no };
}

function decideArguments(treatment: Treatment, narrow: boolean, usual: number, say: Say): Decision {
  const otherwise: Decision = say(treatment.otherwise ?? usual);
  return treatment.tests.reduceRight<Decision>((no, { conditions, answer }) => {
    const yes: Decision = say(answer);
    return conditions.reduceRight<Decision>(
      (then, condition) => ask(condition, narrow, then, no),
      yes,
    );
  }, otherwise);
}
