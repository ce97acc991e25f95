/**
 * `npm run test:attacks`: attacks on the runtime, each tried for real, with its defaults and with the
 * one protection taken away. An attack that also fails without says nothing about the protection, so
 * that is a failure too, but where a sentence says why nothing else is to be had.
 *
 *   npm run test:attacks [-- WORD]    those whose title has the word
 *
 * What would harm the machine is done so that it does not: what is written to the kernel is what was
 * there, the disk is a loop device made for it, the program that is overwritten a copy.
 *
 * Exit codes: 0 all as they are to be, 1 not, 2 no attack has the word, 3 this host cannot run it.
 */
import { needs } from '../lib/observe/needs.ts';
import { runApart } from './apart.ts';
import type { Attack, Guard, Verdict } from './attacks/attack.ts';
import { attacks } from './attacks/list.ts';
import { makeScene } from './attacks/scene.ts';
import { reportCounts } from './counts.ts';
import { recordResult } from './results.ts';

// A hierarchy of cgroups that others see, they use.
process.exitCode = await runApart(main);

async function main(args: readonly string[]): Promise<number> {
  const { met, reason } = needs('root', 'busybox');
  if (!met) {
    console.error(`test:attacks: ${reason}`);
    return 3;
  }
  const [word = ''] = args;
  const chosen = attacks.filter(({ title }) => title.includes(word));
  if (chosen.length === 0) {
    console.error(`test:attacks: no attack has "${word}" in its title`);
    return 2;
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const reasons: string[] = [];
  const began = performance.now();
  for (const attack of chosen) {
    const missing = needs(...(attack.needs ?? []));
    if (!missing.met) {
      console.log(`- ${attack.title}: not tried: ${missing.reason}`);
      reasons.push(`skipped: ${attack.title}: ${missing.reason}`);
      counts.skipped += 1;
      continue;
    }
    const good = await show(attack);
    if (!good) reasons.push(`failed: ${attack.title}`);
    counts[good ? 'passed' : 'failed'] += 1;
  }
  const seconds = (performance.now() - began) / 1000;
  recordResult({ test: 'attacks on the runtime', ...counts, reasons, seconds });
  reportCounts(counts);
  return counts.failed === 0 ? 0 : 1;
}

/** A row of three or four lines. Whether it is as it is to be. */
async function show(attack: Attack): Promise<boolean> {
  const { title, protection, given, futile } = attack;
  const off = await tryIt(attack, 'off');
  const on = await tryIt(attack, 'on');
  const plain = given ? await tryIt(attack, 'default') : null;
  const good = off.succeeded === (futile === undefined) && !on.succeeded && !plain?.succeeded;
  console.log(`${good ? '✓' : '✗'} ${title}`);
  console.log(`    protection      ${protection}${given ? ` (it is given: ${given})` : ''}`);
  console.log(`    without it      ${say(off)}${futile ? `; ${futile}` : ''}`);
  console.log(`    with it         ${say(on)}`);
  if (plain) console.log(`    with defaults   ${say(plain)}`);
  return good;
}

function say({ succeeded, seen }: Verdict): string {
  return `${succeeded ? 'succeeds' : 'fails'}: ${seen}`;
}

async function tryIt(attack: Attack, guard: Guard): Promise<Verdict> {
  using scene = makeScene();
  return await attack.attempt(scene, guard);
}
