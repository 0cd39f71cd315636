import { expect, test } from 'vitest';
import { createFollower, FRESH_MS, VERIFY_MS } from '../../src/rollout/follow.ts';
import { ASKED, openStore, quickPlan } from './open-store.ts';

function following() {
  const opened = openStore();
  const { store, control, clock } = opened;
  control.start({ ...ASKED, plan: quickPlan(), draft: false });
  const trouble: string[] = [];
  const follower = createFollower({
    store,
    clock,
    onTrouble: (error) => void trouble.push(String(error)),
  });
  const after = (ms: number) => {
    clock.elapsed += ms;
    return follower.now();
  };
  return { ...opened, trouble, after };
}

test('hears of what others do', () => {
  const { control, after } = following();
  expect(after(0)?.rollout.state.state).toBe('shadow');
  control.pause(ASKED);
  expect(after(FRESH_MS)?.rollout.state.state).toBe('paused');
});

test('finds a log that was edited where its end is as it was, says so once, and takes it back whole', () => {
  const { database, trouble, after } = following();
  const edit = (from: string, to: string): void => {
    database.exec(`UPDATE rollout_log SET text = replace(text, '${from}', '${to}') WHERE seq = 1`);
  };
  expect(after(0)?.isSound).toBe(true);
  edit('operator:ada', 'operator:eve');
  expect(after(VERIFY_MS)?.isSound).toBe(false);
  expect(after(VERIFY_MS)?.isSound).toBe(false);
  expect(trouble).toEqual([expect.stringContaining('Entry 1 was changed.')]);
  edit('operator:eve', 'operator:ada');
  expect(after(VERIFY_MS)?.isSound).toBe(true);
});
