import { isUnder } from './job-folder.ts';
import { type Launch, type PlacedJob, processMemoryMb, type Tier } from './launch.ts';
import { type NodeBinary, nodeCommand } from './node-command.ts';

/** What a dynamically linked Node needs to start. Home folders, /etc, /var and /run are not there. */
const systemFolders = [
  '/usr',
  '/bin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/nix/store',
  '/etc/ld.so.cache',
];

/**
 * Encloses a program with bubblewrap: new namespaces of every kind (no network but a lonely loopback), a read-only
 * view of the system's programs and libraries, the job folder at `/job`, and death together with our process.
 */
export function bubblewrapCommand(
  bwrap: string,
  node: NodeBinary,
  folder: string,
  program: readonly string[],
): string[] {
  const outside = isUnder(node.path, systemFolders) ? [] : ['--ro-bind', node.path, node.path];
  return [
    bwrap,
    ...'--unshare-all --die-with-parent --new-session --clearenv --cap-drop ALL'.split(' '),
    ...systemFolders.flatMap((path) => ['--ro-bind-try', path, path]),
    ...'--proc /proc --dev /dev --tmpfs /tmp'.split(' '),
    ...outside,
    '--ro-bind',
    folder,
    ...'/job --remount-ro / --chdir /job --'.split(' '),
    ...program,
  ];
}

/** The first rung: bubblewrap. */
export function bubblewrapTier(bwrap: string, node: NodeBinary): Tier {
  return {
    tier: 'bubblewrap',
    launch(job: PlacedJob): Launch {
      const program = nodeCommand(node, {
        folder: '/job',
        entry: job.entry,
        memoryMb: job.memoryMb,
      });
      return {
        argv: bubblewrapCommand(bwrap, node, job.folder, program),
        environment: { PATH: '/usr/bin:/bin' },
        memory: { guard: 'kernel', limitMb: processMemoryMb(job.memoryMb) },
      };
    },
  };
}
