import { type Launch, type PlacedJob, processMemoryMb, type Tier } from './launch.ts';
import { type NodeBinary, nodeCommand } from './node-command.ts';

/**
 * The profile for macOS's `sandbox-exec`: no network, no writing, nobody else's files, no children, no signals to
 * others. The last matching rule wins, so the job folder and Node come after what hides them.
 */
export function sandboxProfile(nodePath: string, folder: string): string {
  return [
    '(version 1)',
    '(allow default)',
    '(deny network*)',
    '(deny process-fork)',
    '(deny signal (target others))',
    '(deny file-write*)',
    '(allow file-write* (literal "/dev/null") (literal "/dev/tty"))',
    '(deny file-read* (subpath "/Users") (subpath "/Volumes") (subpath "/private/tmp") (subpath "/private/var/folders") (subpath "/private/var/root"))',
    '(allow file-read-metadata)',
    `(allow file-read* (literal ${quoted(nodePath)}) (subpath ${quoted(folder)}))`,
  ].join('\n');
}

/** A string literal of the profile language. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The fourth rung: macOS. */
export function sandboxExecTier(sandboxExec: string, node: NodeBinary): Tier {
  return {
    tier: 'sandbox-exec',
    launch(job: PlacedJob): Launch {
      return {
        argv: [sandboxExec, '-p', sandboxProfile(node.path, job.folder), ...nodeCommand(node, job)],
        environment: { PATH: '/usr/bin:/bin' },
        memory: { guard: 'watch', limitMb: processMemoryMb(job.memoryMb) },
      };
    },
  };
}
