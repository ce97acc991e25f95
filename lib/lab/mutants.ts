/**
 * The mutants of a lab: its runtime with one thing left out. A line of the program, a namespace of
 * the clone, a host action, a line of `join`. Each has a text by which a lab can say that nothing
 * could notice it, the same in every run: it is made with the container below.
 */
import { planCgroup } from '../cgroups/plan.ts';
import { detectSite } from '../cgroups/site.ts';
import { actionsOf, connectionsOf, NO_PID } from '../container/mutate.ts';
import type { Container, Runtime } from '../container/runtime.ts';
import { CLONE_FLAG, type Namespace } from '../kernel/namespaces.ts';
import { mutants as lineMutants, withoutLine } from '../launch/mutate.ts';
import type { Program } from '../launch/program.ts';
import { planNetwork } from '../network/plan.ts';
import { planLayers } from '../overlay/plan.ts';
import type { JoinFunction, RuntimeModule } from './lab.ts';

export interface RuntimeMutant {
  /** `chdir("/")`, `namespace pid`, `action bridge ubx0`, `join: setns(…)`. */
  text: string;
  module: RuntimeModule;
}

/** Stands for any container; its values are what the texts show. The cgroups are this machine's. */
const sampleContainer = (): Container => ({
  id: 'ID',
  rootfs: '/ROOTFS',
  hostname: 'HOSTNAME',
  argv: ['/bin/sh'],
  env: { container: 'ID' },
  network: planNetwork('TAG', 1),
  layers: planLayers('/LAYERS', ['/ROOTFS'], 'trusted'),
  cgroup: planCgroup(detectSite('RUN'), 'ID'),
  host: null,
});

const ALL = Object.keys(CLONE_FLAG) as Namespace[];

/** All mutants of a runtime, in the order in which it does things. */
export function listMutants(module: RuntimeModule): RuntimeMutant[] {
  const sample = module.runtime(sampleContainer());
  const mutate = (text: string, change: (runtime: Runtime) => Runtime): RuntimeMutant => ({
    text,
    module: { ...module, runtime: (container) => change(module.runtime(container)) },
  });
  return [
    ...sample.program.namespaces.map((namespace) =>
      mutate(`namespace ${namespace}`, (runtime) => ({
        ...runtime,
        program: withoutNamespace(runtime.program, namespace),
      })),
    ),
    ...(sample.program.cgroup === undefined
      ? []
      : [
          mutate('clone into the cgroup', ({ program, ...rest }) => ({
            ...rest,
            program: { ...program, cgroup: undefined },
          })),
        ]),
    ...actionsOf(sample).map(({ name }, index) =>
      mutate(`action ${name.replaceAll(String(NO_PID), 'PID')}`, (runtime) =>
        withoutActionAt(runtime, index),
      ),
    ),
    ...lineMutants(sample.program).map(({ text, index }) =>
      mutate(text, (runtime) => ({ ...runtime, program: withoutLine(runtime.program, index) })),
    ),
    ...listJoinMutants(module),
  ];
}

function listJoinMutants(module: RuntimeModule): RuntimeMutant[] {
  const { join } = module;
  if (!join) return [];
  const { argv, env } = sampleContainer();
  const sample = join({ pid: process.pid, namespaces: ALL, argv, env });
  const lines = lineMutants(sample).map(({ text, index }) => ({
    text: `join: ${text.replaceAll(String(process.pid), 'PID')}`,
    module: { ...module, join: withoutJoinLine(join, index, sample.lines.length) },
  }));
  const outside: JoinFunction = (target) => ({ ...join(target), cgroup: undefined });
  return sample.cgroup === undefined
    ? lines
    : [{ text: 'join: clone into the cgroup', module: { ...module, join: outside } }, ...lines];
}

/**
 * What `join` writes down may depend on the namespaces that are asked for, so that line `index` of
 * the longest list is another one in a shorter list: lines are then counted from the end.
 */
const withoutJoinLine =
  (join: JoinFunction, index: number, length: number): JoinFunction =>
  (target) => {
    const program = join(target);
    const at = index - (length - program.lines.length);
    return at < 0 ? program : withoutLine(program, at);
  };

const withoutNamespace = (program: Program, namespace: Namespace): Program => ({
  ...program,
  namespaces: program.namespaces.filter((each) => each !== namespace),
});

/** By its place, since its name may hold the container's id. */
function withoutActionAt(runtime: Runtime, index: number): Runtime {
  const connections = connectionsOf(runtime).length;
  const before = actionsOf(runtime).length - connections;
  if (index < before) return { ...runtime, prepare: runtime.prepare.toSpliced(index, 1) };
  return { ...runtime, connect: (pid) => runtime.connect(pid).toSpliced(index - before, 1) };
}
