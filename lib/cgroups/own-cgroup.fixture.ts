/**
 * Looks for its place where it may write to no more than its own cgroup, and makes a cgroup there.
 * Prints what it has seen. Argument: the state directory.
 */
import { readFileSync } from 'node:fs';
import { openHost } from '../host/host.ts';
import { readMembership } from '../observe/membership.ts';
import { cgroupActions } from './actions.ts';
import { onlyV2, planCgroup } from './plan.ts';
import { detectSite } from './site.ts';

const [state = ''] = process.argv.slice(2);
const plan = onlyV2(planCgroup(detectSite('own'), 'own'));
const host = await openHost('own', state);
const seen: Record<string, unknown> = { before: readMembership('self').v2, path: plan.v2 };
const actions = cgroupActions(plan);
seen.actions = actions.map(({ name }) => name);
for (const action of actions) await host.do(action);
seen.during = readMembership('self').v2;
seen.controllers = readFileSync(`${plan.v2}/cgroup.controllers`, 'utf8').trim();
seen.failed = (await host.undo()).failed.map(({ error }) => error.message);
seen.after = readMembership('self').v2;
process.stdout.write(JSON.stringify(seen));
