/** What `--help` says after the options, by command. */
export const EXAMPLES = {
  baseline: `
Examples:
  aqe-llm baseline --quick
  aqe-llm baseline --candidate embedded:qwen2.5-coder-0.5b-instruct --junit baseline.xml
  aqe-llm baseline --candidate ollama:a --candidate ollama:b --reference replay:claude.jsonl
  aqe-llm baseline --filter category=code-review,complexity=complex --repeat 3
  aqe-llm baseline --shard 2/4 --json > shard-2.json
  aqe-llm baseline --candidate replay:gold --json
  aqe-llm baseline --resume --retry-errors
  aqe-llm baseline validate --tasks 10000 --candidate replay:gold

Sides: embedded (the configured model) · embedded:<model id or GGUF file> ·
  ollama:<model>, vllm:<model>, llama-server:<model>, anthropic:<model>, or any server of the
  configuration · replay:gold and replay:empty (the suite's written answers) ·
  replay:<file>.jsonl (what \`baseline record\` wrote) ·
  replay:<side> (what that side answered before, from this state folder)

Exit codes: 0 PASS, and a shard · 1 FAIL, and MARGINAL unless --allow-marginal · 2 usage,
  configuration or internal failure · 3 stopped at --max-cost · 4 INCONCLUSIVE · 5 another process
  works on this run · 130 interrupted. Of several candidates the worst counts.`,

  record: `
Examples:
  aqe-llm baseline record anthropic:claude-sonnet-5-5 --out claude.jsonl --max-cost 5
  aqe-llm baseline record embedded --filter category=code-review --out small.jsonl
  aqe-llm baseline --candidate embedded --reference replay:claude.jsonl

Exit codes: 0 every answer is there · 2 usage or internal failure · 3 stopped at --max-cost ·
  4 some answers could not be had · 130 interrupted. Run again, it asks only what is missing.`,

  merge: `
Examples:
  aqe-llm baseline --shard 1/4 --json --answers > shard-1.json
  aqe-llm baseline merge shard-*.json --junit baseline.xml

Exit codes: those of \`baseline\``,

  compare: `
Examples:
  aqe-llm baseline compare 20261127-072521-27d0 latest
  aqe-llm baseline compare before.json after.json --fail-if-worse
  aqe-llm baseline compare latest#1 latest#2

Exit codes: 0 compared · 1 worse, with --fail-if-worse · 2 usage or internal failure`,

  history: `
Examples:
  aqe-llm baseline history --limit 5
  aqe-llm baseline history --candidate ollama:qwen2.5-coder:7b --json`,

  validate: `
Examples:
  aqe-llm baseline validate
  aqe-llm baseline validate --candidate ollama:qwen2.5-coder:7b --tasks 2000 --grade 400
  aqe-llm baseline validate --tasks 10000 --candidate replay:gold
  aqe-llm baseline validate --resume

Exit codes: 0 independent · 1 not independent · 2 usage or internal failure · 4 INCONCLUSIVE, as
  with replay:gold, which has no latency · 5 another process works on this run · 130 interrupted`,

  init: `
Examples:
  aqe-llm baseline suite init --from src --dry-run
  aqe-llm baseline suite init --from src --out my-suite --max 30
  aqe-llm baseline suite init --from node_modules/minimist --out minimist-suite
  aqe-llm baseline suite init --from packages/core --coverage coverage/lcov.info --json

Your tests run in the sandbox, on a runner of vitest's parts. Those written for vitest, Jest, Mocha
(with assert or chai), node:test, tape, tap or AVA are brought to it; what cannot be is told.

Exit codes: 0 a suite was written · 1 no task could be made · 2 usage or internal failure`,

  check: `
Examples:
  aqe-llm baseline suite check
  aqe-llm baseline suite check my-suite --json

Exit codes: 0 every task is sound · 1 some are not · 2 usage or internal failure`,

  build: `
Examples:
  aqe-llm baseline suite build my-suite
  aqe-llm baseline suite build my-suite --task clamp parse-range

Exit codes: 0 measured · 1 a task was refused; its measured.json is as it was · 2 usage or internal
  failure`,
};
