import { type Launch, type PlacedJob, processMemoryMb, type Tier } from './launch.ts';
import { type NodeBinary, nodeCommand } from './node-command.ts';

/**
 * The last rung, never taken unasked: Node's permission model, an empty environment and the limits, but no wall of
 * the operating system. A program can still open sockets and send signals to the user's other processes.
 */
export function unsafeTier(node: NodeBinary, platform: NodeJS.Platform): Tier {
  return {
    tier: 'unsafe',
    launch(job: PlacedJob): Launch {
      return {
        argv: nodeCommand(node, job),
        environment: { PATH: '/usr/bin:/bin' },
        memory: {
          guard: platform === 'linux' ? 'kernel' : 'watch',
          limitMb: processMemoryMb(job.memoryMb),
        },
      };
    },
  };
}
