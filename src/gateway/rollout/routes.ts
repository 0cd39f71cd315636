import type { FastifyInstance } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { RolloutView } from '../../rollout/view.ts';
import { PAGE, POLICY } from './page.ts';

/**
 * Declares the rollout's page and what it shows. The page itself tells nothing of anybody, so that a
 * browser may load it without a key; it asks for the key where there is one.
 */
export function addRolloutRoutes(
  app: FastifyInstance,
  view: (() => RolloutView) | undefined,
): void {
  app.get('/rollout', { config: { open: true } }, (_request, reply) =>
    reply
      .headers({ 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer' })
      .type('text/html; charset=utf-8')
      .send(PAGE),
  );
  app.get('/v1/rollout', (_request, reply) => {
    if (view === undefined)
      throw new AppError('gateway.unknown-route', 'There are no rollouts here.');
    return reply.header('cache-control', 'no-store').send(view());
  });
}
