export const WEIGHTS = 'bias | 0 0 0 0 0 0 0 0 0';
