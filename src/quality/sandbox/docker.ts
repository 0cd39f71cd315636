import path from 'node:path';
import { z } from 'zod';
import { type Launch, type PlacedJob, processMemoryMb, type Tier } from './launch.ts';
import { nodeCommand } from './node-command.ts';

/** A Node image that is already on this machine. */
export interface NodeImage {
  reference: string;
  nodeVersion: string;
}

/** Arguments that list the local images of the official `node` repository. */
export const listImagesArguments = [
  'image',
  'ls',
  '--quiet',
  '--filter',
  'reference=node',
] as const;

/** Arguments that print one line `<reference> <environment as JSON>` for each image. */
export function inspectImagesArguments(ids: readonly string[]): string[] {
  return ['image', 'inspect', '--format', '{{index .RepoTags 0}} {{json .Config.Env}}', ...ids];
}

/**
 * Chooses among inspected images: our own major version of Node if it is there, else the newest from 20 on.
 * The official images state their version in `NODE_VERSION`; an image that does not is passed over.
 */
export function chooseImage(inspected: string, ownVersion: string): NodeImage | undefined {
  const images = inspected.split('\n').flatMap((line) => {
    const [, reference, json] = /^(\S+) (\[.*\])$/.exec(line.trim()) ?? [];
    if (reference === undefined || json === undefined) return [];
    const version = environmentOf(json).find((entry) => entry.startsWith('NODE_VERSION='));
    const nodeVersion = version?.slice('NODE_VERSION='.length) ?? '';
    return majorOf(nodeVersion) >= 20 ? [{ reference, nodeVersion }] : [];
  });
  images.sort((a, b) => majorOf(b.nodeVersion) - majorOf(a.nodeVersion));
  return images.find((image) => majorOf(image.nodeVersion) === majorOf(ownVersion)) ?? images[0];
}

function environmentOf(json: string): string[] {
  try {
    return z.array(z.string()).catch([]).parse(JSON.parse(json));
  } catch {
    return [];
  }
}

function majorOf(version: string): number {
  const major = Number.parseInt(version, 10);
  return Number.isNaN(major) ? 0 : major;
}

/** Arguments of `docker` that run a program in a container without network, writable files or privileges. */
export function dockerArguments(image: NodeImage, job: PlacedJob): string[] {
  const [program = '', ...programArguments] = nodeCommand(
    { path: 'node', version: image.nodeVersion },
    { folder: '/job', entry: job.entry, memoryMb: job.memoryMb },
  );
  const memory = `${processMemoryMb(job.memoryMb)}m`;
  return [
    ...'run --rm --interactive --pull never --log-driver none --network none --read-only'.split(
      ' ',
    ),
    ...`--memory ${memory} --memory-swap ${memory} --pids-limit 64 --ulimit core=0`.split(' '),
    ...'--cap-drop ALL --security-opt no-new-privileges --workdir /job'.split(' '),
    ...`--user ${job.uid}:${job.gid} --name ${containerName(job)} --entrypoint ${program}`.split(
      ' ',
    ),
    '--mount',
    `type=bind,source=${job.folder},target=/job,readonly`,
    image.reference,
    ...programArguments,
  ];
}

/** The job folder's unique name, so that the container can be stopped from outside. */
function containerName(job: PlacedJob): string {
  return path.basename(job.folder);
}

/** The third rung: a container. `environment` is the client's (where the daemon is), not the program's. */
export function dockerTier(
  docker: string,
  image: NodeImage,
  environment: Readonly<Record<string, string>>,
): Tier {
  return {
    tier: 'docker',
    launch(job: PlacedJob): Launch {
      return {
        argv: [docker, ...dockerArguments(image, job)],
        environment,
        memory: { guard: 'tool' },
        stop: [docker, 'rm', '--force', containerName(job)],
      };
    },
  };
}
