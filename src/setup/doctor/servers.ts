import type { ServerLook } from '../servers/look.ts';
import type { Finding } from './finding.ts';

const TITLES: Readonly<Record<string, string>> = {
  ollama: 'Ollama',
  vllm: 'vLLM',
  'llama-server': 'llama-server',
};
const MOST_NAMES = 6;

/** What a look at a server comes to; none of them is required. */
export function serverFinding(look: ServerLook): Finding {
  return {
    id: `server.${look.name}`,
    title: TITLES[look.name] ?? `Server ${look.name}`,
    required: false,
    ...assess(look),
  };
}

function assess(look: ServerLook): Pick<Finding, 'state' | 'detail' | 'hint'> {
  switch (look.state) {
    case 'up': {
      const version = look.version === undefined ? '' : `version ${look.version}, `;
      return { state: 'ok', detail: `${version}has ${namesOf(look)} at ${look.url}` };
    }
    case 'loading':
      return { state: 'warning', detail: `still loading its model, or unwell, at ${look.url}` };
    case 'refused':
      return {
        state: 'warning',
        detail: `asks for a key at ${look.url}`,
        hint: `Name the variable that holds it: servers.${look.name}.apiKeyEnv`,
      };
    case 'stranger':
      return {
        state: 'missing',
        detail: `something else answers at ${look.url} (HTTP ${look.status})`,
      };
    case 'absent':
      return { state: 'missing', detail: `nothing answers at ${look.url}` };
  }
}

function namesOf({ models }: Extract<ServerLook, { state: 'up' }>): string {
  if (models.length === 0) return 'no model';
  const names = models.slice(0, MOST_NAMES).map((model) => model.name);
  const rest = models.length - names.length;
  return names.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
