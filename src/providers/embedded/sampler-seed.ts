/** llama.cpp takes this one seed as "choose one at random". */
const RANDOM_SEED = 0xffff_ffff;

/** A seed that llama.cpp takes as it is: a whole number from 0 up to, not including, 2³² − 1. */
export function samplerSeed(seed: number): number {
  const rest = Math.trunc(seed) % RANDOM_SEED;
  return rest < 0 ? rest + RANDOM_SEED : Math.abs(rest);
}
