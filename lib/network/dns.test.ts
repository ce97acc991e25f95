import { expect, it } from 'vitest';
import { answer, readQuestion } from './dns.ts';

/** What dig sends for `Outside.test A`: id 0x1234, recursion desired. */
const query = (type = '0001') =>
  Buffer.from(`12340100000100000000000007${hex('Outside')}04${hex('test')}00${type}0001`, 'hex');
const hex = (text: string) => Buffer.from(text).toString('hex');

it('reads the question of a query, whatever the case of its letters', () => {
  expect(readQuestion(query())).toEqual({ name: 'outside.test', type: 1, end: query().length });
});

it('is not led astray by what is cut off, or is no query', () => {
  for (let length = 0; length < query().length; length++) {
    expect(readQuestion(query().subarray(0, length))).toBeNull();
  }
});

it('answers with the question as it was asked, and one address', () => {
  const question = readQuestion(query());
  if (!question) throw new Error('no question');
  const response = answer(query(), question, '203.0.113.10').toString('hex');
  const asked = query().subarray(12).toString('hex');
  expect(response).toBe(`123485000001000100000000${asked}c00c000100010000003c0004cb00710a`);
});

it('says that a name has no address of another family, and that a name does not exist', () => {
  const aaaa = query('001c');
  const question = readQuestion(aaaa);
  if (!question) throw new Error('no question');
  expect(answer(aaaa, question, '203.0.113.10').readUInt32BE(2)).toBe(0x85000001);
  expect(answer(aaaa, question, '203.0.113.10').readUInt16BE(6)).toBe(0);
  expect(answer(aaaa, question, null).readUInt16BE(2)).toBe(0x8503);
});
