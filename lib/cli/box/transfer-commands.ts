/**
 * The commands that bring images here and take them elsewhere: registries, archives.
 */
import type { Command } from 'commander';
import { collect } from '../numbers.ts';

export function definePull(command: Command): Command {
  return command
    .description('fetch an image from its registry')
    .argument('<name>')
    .option('-q, --quiet', 'print the name alone')
    .option('--platform <platform>', 'as linux/arm64; this machine’s unless given')
    .option('-a, --all-tags', 'refused: name the tags')
    .action(async (...args: Parameters<typeof import('./image/pull.ts').pullImage>) =>
      (await import('./image/pull.ts')).pullImage(...args),
    );
}

export function definePush(command: Command): Command {
  return command
    .description('send an image to the registry that its name begins with')
    .argument('<name>')
    .option('-q, --quiet', 'print the name alone')
    .action(async (...args: Parameters<typeof import('./image/push.ts').pushImage>) =>
      (await import('./image/push.ts')).pushImage(...args),
    );
}

export function defineSave(command: Command): Command {
  return command
    .description('write images to an archive')
    .argument('<image...>')
    .option('-o, --output <file>', 'where to; else the output')
    .option('--format <format>', 'docker or oci', 'docker')
    .action(async (...args: Parameters<typeof import('./image/save.ts').saveImages>) =>
      (await import('./image/save.ts')).saveImages(...args),
    );
}

export function defineLoad(command: Command): Command {
  return command
    .description('read images from an archive, of box, Docker or any OCI layout')
    .option('-i, --input <file>', 'where from, a directory too; else the input')
    .option('-q, --quiet', 'show no progress')
    .action(async (...args: Parameters<typeof import('./image/load.ts').loadImages>) =>
      (await import('./image/load.ts')).loadImages(...args),
    );
}

export function defineImport(command: Command): Command {
  return command
    .description('make an image of a root filesystem’s tar')
    .argument('<file>', 'or - for the input')
    .argument('[name]')
    .option('-c, --change <instruction>', 'as CMD ["/bin/sh"]', collect, [])
    .option('-m, --message <text>', 'for its history')
    .action(async (...args: Parameters<typeof import('./image/import.ts').importImage>) =>
      (await import('./image/import.ts')).importImage(...args),
    );
}

export function defineLogin(command: Command): Command {
  return command
    .description('try name and password at a registry, and keep them')
    .argument('[registry]', 'Docker Hub unless given')
    .option('-u, --username <name>')
    .option('-p, --password <password>', 'for all to see; --password-stdin is better')
    .option('--password-stdin', 'read the password from the input')
    .action(async (...args: Parameters<typeof import('./image/login.ts').logIn>) =>
      (await import('./image/login.ts')).logIn(...args),
    );
}

export function defineLogout(command: Command): Command {
  return command
    .description('forget what login has kept')
    .argument('[registry]', 'Docker Hub unless given')
    .action(async (...args: Parameters<typeof import('./image/login.ts').logOut>) =>
      (await import('./image/login.ts')).logOut(...args),
    );
}
