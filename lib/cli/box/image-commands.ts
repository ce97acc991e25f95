/**
 * The commands about images that are here. Each stands by itself and below `box image`, as in Docker;
 * what carries it out is loaded when it is called.
 */
import type { Command } from 'commander';
import { collect } from '../numbers.ts';

const format = 'json, table, or a template as {{.ID}}';

export function defineImages(command: Command): Command {
  return command
    .description('list images')
    .argument('[reference]', 'a name, or a pattern as lab/*')
    .option('-a, --all', 'of no meaning here: there are no images between the steps of a build')
    .option('-q, --quiet', 'ids alone')
    .option('--no-trunc', 'whole ids')
    .option('--digests', 'with the digest that a registry has it under')
    .option('-f, --filter <filter>', 'dangling=, reference=, label=, before=, since=', collect, [])
    .option('--format <format>', format)
    .action(async (...args: Parameters<typeof import('./image/list.ts').listImages>) =>
      (await import('./image/list.ts')).listImages(...args),
    );
}

export function defineRemove(command: Command): Command {
  return command
    .description('take names away from images, and remove those that have none left')
    .argument('<image...>')
    .option('-f, --force', 'all names of an id; what is not there is no failure')
    .action(async (...args: Parameters<typeof import('./image/remove.ts').removeImages>) =>
      (await import('./image/remove.ts')).removeImages(...args),
    );
}

export function defineTag(command: Command): Command {
  return command
    .description('give an image another name')
    .argument('<source>')
    .argument('<target>')
    .action(async (...args: Parameters<typeof import('./image/tag.ts').tagImage>) =>
      (await import('./image/tag.ts')).tagImage(...args),
    );
}

export function defineHistory(command: Command): Command {
  return command
    .description('the steps that an image was made by')
    .argument('<image>')
    .option('--no-trunc', 'whole ids and commands')
    .option('-q, --quiet', 'ids alone')
    .option('-H, --human', 'sizes and times for people', true)
    .option('--no-human', 'bytes, and times as they are')
    .option('--format <format>', format)
    .action(async (...args: Parameters<typeof import('./image/history.ts').showHistory>) =>
      (await import('./image/history.ts')).showHistory(...args),
    );
}

export function defineInspect(command: Command): Command {
  return command
    .description('all that is known of images, as JSON')
    .argument('<image...>')
    .option('-f, --format <format>', 'json, or a template as {{.Config.Cmd}}')
    .action(async (...args: Parameters<typeof import('./image/inspect.ts').inspectImages>) =>
      (await import('./image/inspect.ts')).inspectImages(...args),
    );
}

export function definePrune(command: Command): Command {
  return command
    .description('remove images without a name, and layers that no image needs')
    .option('-a, --all', 'all images that no container has')
    .option('-f, --force', 'do not ask')
    .option('--filter <filter>', 'until=, label=, label!=', collect, [])
    .action(async (...args: Parameters<typeof import('./image/prune.ts').pruneImages>) =>
      (await import('./image/prune.ts')).pruneImages(...args),
    );
}

export function defineBuild(command: Command): Command {
  return command
    .description('make an image by a Dockerfile')
    .argument(
      '<context>',
      'the directory whose files it may copy; - for a Dockerfile from the input',
    )
    .option('-t, --tag <name>', 'a name for the image', collect, [])
    .option('-f, --file <path>', 'the Dockerfile; - for the input')
    .option(
      '--build-arg <name=value>',
      'for an ARG; without a value the environment’s',
      collect,
      [],
    )
    .option('--label <name=value>', 'a label for the image', collect, [])
    .option('--target <stage>', 'the stage to build')
    .option('--no-cache', 'make every layer anew')
    .option('--network <network>', 'of RUN: default, host or none', 'default')
    .option('-q, --quiet', 'print the id alone')
    .option('--progress <kind>', 'auto, plain or tty', 'auto')
    .option('--iidfile <file>', 'write the id to this file')
    .option('--platform <platform>', 'refused, but for this machine’s own')
    .action(async (...args: Parameters<typeof import('./image/build.ts').build>) =>
      (await import('./image/build.ts')).build(...args),
    );
}
