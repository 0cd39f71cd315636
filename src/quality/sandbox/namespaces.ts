import { type Launch, type PlacedJob, processMemoryMb, type Tier } from './launch.ts';
import { type NodeBinary, nodeCommand } from './node-command.ts';

/**
 * `full` also has its own process list, message queues and host name; `bare` is for machines (nested containers)
 * that forbid mounting /proc.
 */
export type NamespaceReach = 'full' | 'bare';

/**
 * The program under the first process of its own process namespace. A shell has that place, because the kernel
 * ignores most signals that the first process sends itself; its own remarks on signals are not the program's stderr.
 */
const firstProcess = 'exec 4>&2 2>/dev/null; (exec "$@" 2>&4 4>&-); exit $?';

/**
 * Encloses a program with util-linux's `unshare`: its own users, network and processes. The files of the machine
 * stay in sight of the kernel's rules; Node's permission model is what hides them.
 */
export function namespacesCommand(
  unshare: string,
  reach: NamespaceReach,
  program: readonly string[],
): string[] {
  return [
    unshare,
    ...'-Urn --pid --fork --kill-child'.split(' '),
    ...(reach === 'full' ? ['--mount-proc', '--ipc', '--uts'] : []),
    '--',
    '/bin/sh',
    '-c',
    firstProcess,
    'sh',
    ...program,
  ];
}

/** The second rung: Linux namespaces with Node's permission model. */
export function namespacesTier(unshare: string, node: NodeBinary, reach: NamespaceReach): Tier {
  return {
    tier: 'namespaces',
    launch(job: PlacedJob): Launch {
      return {
        argv: namespacesCommand(unshare, reach, nodeCommand(node, job)),
        environment: { PATH: '/usr/bin:/bin' },
        memory: { guard: 'kernel', limitMb: processMemoryMb(job.memoryMb) },
      };
    },
  };
}
