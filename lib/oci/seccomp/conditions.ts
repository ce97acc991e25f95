/**
 * Comparisons of a system call's arguments, of 64 bits, by a machine of 32: the high half decides
 * unless it is equal, then the low one does. What an argument points to, no filter can see.
 *
 * OCI runtime-spec config-linux.md "Seccomp", seccomp_rule_add(3)
 */
import { OciError } from '../oci-error.ts';
import type { SeccompArgument } from '../spec.ts';
import { type Decision, highHalf, lowHalf, type Question } from './decision.ts';

export const OPERATORS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  index: number;
  operator: Operator;
  value: bigint;
  mask: bigint;
}

const ALL = 0xffff_ffff_ffff_ffffn;
const HALF = 0xffff_ffffn;
const MOST_INDEX = 5;

/** Throws OciError, with `where` as the place in the configuration. */
export function conditionOf(given: SeccompArgument, where: string): Condition {
  const { index, op, value, valueTwo = 0 } = given;
  if (!Number.isInteger(index) || index < 0 || index > MOST_INDEX) {
    throw new OciError(`${where}.index: ${index} is no argument; a call has 0 to ${MOST_INDEX}`);
  }
  const operator = OPERATORS.find((each) => each === op);
  if (!operator) {
    throw new OciError(
      `${where}.op: ${JSON.stringify(op)} is no comparison; allowed: ${OPERATORS.join(', ')}`,
    );
  }
  if (operator !== 'SCMP_CMP_MASKED_EQ') {
    return { index, operator, value: word(value, `${where}.value`), mask: ALL };
  }
  // The first value is the mask here, the second is what has to be left under it.
  const mask = word(value, `${where}.value`);
  return { index, operator, value: word(valueTwo, `${where}.valueTwo`) & mask, mask };
}

/** JSON's numbers are rounded above 2^53: what is rounded up beyond 64 bits was the largest. */
function word(value: number, where: string): bigint {
  if (Number.isInteger(value) && value >= 0 && value <= 2 ** 64) {
    return value === 2 ** 64 ? ALL : BigInt(value);
  }
  throw new OciError(`${where}: ${value} is not a whole number of 64 bits without a sign`);
}

/** The questions that lead to `yes` where the condition holds. `narrow`: arguments have 32 bits. */
export function ask(condition: Condition, narrow: boolean, yes: Decision, no: Decision): Decision {
  const { operator } = condition;
  switch (operator) {
    case 'SCMP_CMP_EQ':
    case 'SCMP_CMP_MASKED_EQ':
      return equal(condition, narrow, yes, no);
    case 'SCMP_CMP_NE':
      return equal(condition, narrow, no, yes);
    case 'SCMP_CMP_GT':
      return above('greater', condition, narrow, yes, no);
    case 'SCMP_CMP_LE':
      return above('greater', condition, narrow, no, yes);
    case 'SCMP_CMP_GE':
      return above('at-least', condition, narrow, yes, no);
    case 'SCMP_CMP_LT':
      return above('at-least', condition, narrow, no, yes);
  }
}

const low = (bits: bigint) => Number(bits & HALF);
const high = (bits: bigint) => Number(bits >> 32n);

type Ends = [condition: Condition, narrow: boolean, yes: Decision, no: Decision];

function equal(...[{ index, value, mask }, narrow, yes, no]: Ends): Decision {
  const half = (load: number, bits: number, wanted: number, then: Decision): Decision =>
    // Nothing is asked of this half, and nothing wanted of it.
    bits === 0 && wanted === 0
      ? then
      : {
          load,
          ...(bits === low(ALL) ? {} : { mask: bits }),
          is: 'equal',
          value: wanted,
          yes: then,
          no,
        };
  const lower = half(lowHalf(index), low(mask), low(value), yes);
  return narrow ? lower : half(highHalf(index), high(mask), high(value), lower);
}

function above(is: 'greater' | 'at-least', ...[{ index, value }, narrow, yes, no]: Ends): Decision {
  const lower: Question = { load: lowHalf(index), is, value: low(value), yes, no };
  if (narrow) return lower;
  const load = highHalf(index);
  const same: Question = { load, is: 'equal', value: high(value), yes: lower, no };
  return { load, is: 'greater', value: high(value), yes, no: same };
}
