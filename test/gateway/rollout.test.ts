import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RolloutView } from '../../src/rollout/view.ts';
import { withGateway } from './with-gateway.ts';

const VIEW: RolloutView = { schema: 'aqe-llm/rollout@1', at: 1, rollout: { state: 'none' } };
const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('the page of a rollout', () => {
  it('tells where it is now, each time it is asked', async () => {
    let at = 0;
    const { url } = await withGateway({ rollout: () => ({ ...VIEW, at: (at += 1) }) });
    for (const asked of [1, 2]) {
      const answer = await fetch(`${url}/v1/rollout`);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(await answer.json()).toEqual({ ...VIEW, at: asked });
    }
  });

  it('loads without a key, tells nothing by itself, and gets nothing without one', async () => {
    const { url } = await withGateway({ rollout: () => VIEW, apiKey: 'the-key' });
    const page = await fetch(`${url}/rollout`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect((await fetch(`${url}/v1/rollout`)).status).toBe(401);
    expect((await fetch(`${url}/v1/rollout`, bearer('other'))).status).toBe(401);
    expect(await (await fetch(`${url}/v1/rollout`, bearer('the-key'))).json()).toEqual(VIEW);
  });

  it('loads nothing from elsewhere, and runs its own script and style alone', async () => {
    const { url } = await withGateway({ rollout: () => VIEW });
    const answer = await fetch(`${url}/rollout`);
    const page = await answer.text();
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    for (const tag of ['script', 'style']) {
      const parts = [...page.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))];
      expect(parts).toHaveLength(1);
      const hash = createHash('sha256')
        .update(parts[0]?.[1] ?? '')
        .digest('base64');
      expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
    }
    expect(page).not.toMatch(/\b(src|href)=|innerHTML|url\(|@import/);
  });

  it('is not there for pages of other origins', async () => {
    const { url } = await withGateway({ rollout: () => VIEW });
    const foreign = { headers: { origin: 'https://example.com' } };
    expect((await fetch(`${url}/v1/rollout`, foreign)).status).toBe(403);
  });
});
