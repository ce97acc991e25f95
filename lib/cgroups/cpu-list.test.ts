import { expect, it } from 'vitest';
import { formatCpuList, parseCpuList } from './cpu-list.ts';

it.each([
  ['0', [0], '0'],
  ['0-2,5\n', [0, 1, 2, 5], '0-2,5'],
  ['7,1,0,1-3', [0, 1, 2, 3, 7], '0-3,7'],
  ['', [], ''],
])('%j is %j and back %j', (text, numbers, back) => {
  expect(parseCpuList(text)).toEqual(numbers);
  expect(formatCpuList(numbers)).toBe(back);
});

it.each(['a', '1-', '2-1', '-1'])('%j is no list', (text) => {
  expect(() => parseCpuList(text)).toThrow(SyntaxError);
});
