import { expect, it } from 'vitest';
import { lazily } from './lazily.ts';

interface Facts {
  kernel: string;
  tools: string[] | null;
}

function countedFacts() {
  const asked: string[] = [];
  const facts = lazily<Facts>({
    kernel: () => {
      asked.push('kernel');
      return '6.1';
    },
    tools: () => {
      asked.push('tools');
      return null;
    },
  });
  return { facts, asked };
}

it('asks for what is read, and once', () => {
  const { facts, asked } = countedFacts();
  expect(asked).toEqual([]);
  expect([facts.tools, facts.tools]).toEqual([null, null]);
  expect(asked).toEqual(['tools']);
});

it('is plain data to whoever wants all of it', () => {
  const plain = { kernel: '6.1', tools: null };
  expect(countedFacts().facts).toEqual(plain);
  expect(JSON.parse(JSON.stringify(countedFacts().facts))).toEqual(plain);
  expect({ ...countedFacts().facts }).toEqual(plain);
});

it('asks again for what could not be told', () => {
  let ready = false;
  const facts = lazily<{ answer: number }>({
    answer: () => {
      if (!ready) throw new Error('not yet');
      return 42;
    },
  });
  expect(() => facts.answer).toThrow('not yet');
  ready = true;
  expect(facts.answer).toBe(42);
});
