/**
 * All that the labs need, and from it what stands in a lab's way: each requirement that blocks the
 * lab and is not met, with what was found and what to do.
 */
import type { HostFacts } from './inspect.ts';
import { laterRequirements } from './later-requirements.ts';
import { machineRequirements } from './machine-requirements.ts';
import { privilegeRequirements } from './privilege-requirements.ts';
import type { Lab, Requirement } from './requirement.ts';
import { toolRequirements } from './tool-requirements.ts';

export { LABS, type Lab, type Requirement } from './requirement.ts';

export type Blocker = { id: string; what: string; remedy: string };

export const requirements: readonly Requirement[] = [
  ...machineRequirements,
  ...privilegeRequirements,
  ...toolRequirements,
  ...laterRequirements,
];

/** What keeps this lab from running here, most fundamental first; empty where nothing does. */
export function blockers(facts: HostFacts, lab: Lab): Blocker[] {
  return unmet(facts, (requirement) => requirement.blocks.includes(lab));
}

/** What labs that are still to come will miss here. */
export function notes(facts: HostFacts): Blocker[] {
  return unmet(facts, (requirement) => requirement.blocks.length === 0);
}

/** Elsewhere than on Linux nothing else is worth saying. */
function unmet(facts: HostFacts, concerns: (requirement: Requirement) => boolean): Blocker[] {
  const missing = requirements.filter((each) => concerns(each) && !each.ok(facts));
  const worthSaying = facts.linux ? missing : missing.filter(({ id }) => id === 'linux');
  return worthSaying.map((each) => ({
    id: each.id,
    what: `${each.title}: ${each.found(facts)}`,
    remedy: each.remedy(facts),
  }));
}
