/** What a report tells of requests that no attempt stands for. */
export const migration011 = `
CREATE INDEX requests_interrupted ON requests (at) WHERE state = 'interrupted';
-- Answered from memory: no model was asked.
CREATE INDEX requests_from_memory ON requests (at)
  WHERE answered_target >= 'memory:' AND answered_target < 'memory;';
`;
