import { stem } from './text.ts';

/**
 * What people say when they mean a thing. Words are compared by their stems; a phrase is two words.
 * The names are what `route explain` shows.
 */
const WORDS = {
  'tests asked for':
    'unit test, unit tests, write tests, write test, tests for, test for, test suite, test cases, test case, spec, specs, suite, test data, fixture, fixtures, factory, factories, property test, property tests, mocks, mock, stub, generate tests, integration tests, integration test, one test, more test, load test, contract tests, parametrize, fuzzing, harness, fuzz, scenario, scenarios, gherkin, acceptance tests, testing, tdd, oracle, page object, test-generator, test-writer, test-implementer, integration-tester, boundary tests, missing test, a test, assertion, assertions, the tests, automated tests, add tests, e2e tests, end-to-end tests, test plan, snapshot tests, test strategy, test portfolio, test inputs',
  'test framework':
    'vitest, jest, mocha, chai, jasmine, pytest, unittest, junit, testng, mockito, rspec, minitest, phpunit, xunit, nunit, mstest, kotest, xctest, cypress, playwright, selenium, cucumber, supertest, testcontainers, hypothesis, quickcheck, fast-check, exunit, espresso, appium, capybara, k6, gatling, jmeter, locust, testify, httptest, proptest, gtest, catch2, wiremock, msw, faker, testing library, test utils',
  coverage:
    'coverage, covered, uncovered, cover, covers, lcov, istanbul, nyc, jacoco, cobertura, codecov, coveralls, gcov, tarpaulin, kover, simplecov, c8, llvm-cov, mcdc, mc dc, line coverage, branch coverage, statement coverage, path coverage, code coverage, coverage report, coverage-analyzer, coverage-gap-analyzer, untested, not tested, not exercised, exercised, instrument, instrumentation, instrumented',
  'coverage gap':
    'gap, gaps, branches, branch, statements, missed, unreached, threshold, thresholds, mutation score, mutant, mutants, survive, survived, stryker, pitest, subsumes, no test, no tests, dead code, zero hits, hits, percent, impact analysis, traceability, criterion, no test touches, test touches, touches, touch, touched, never executed, executed, never run, not run, which lines, which line, which branches, missing lines, line hits, which operations, which requirements, requirements, mapped, map these, trace, tests that, have no, without assertions, assertion-free, ratchet, delta, drop, dropped, report says, says, exclude, excluded, ignore, annotate, merge reports, instrumentation, inline, sourcemap, source maps, source map, subset',
  flakiness:
    'flaky, flake, flakes, flakiness, flaky-test-hunter, flaky-investigator, intermittent, intermittently, sporadic, sporadically, unstable, occasionally, at random, randomly, nondeterministic, non-deterministic, nondeterminism, quarantine, quarantined, rerun, reruns, heisenbug, order dependence, order-dependent, order dependent, one in, out of, sometimes, now and, passes locally, passes alone, fails only, fails sometimes, sometimes fails, green on, retries, rerunning, same commit, few runs, of runs, of ci, pollution, polluting, flake rate, failure rate, stale element, hidden race, works locally, fails in, unstable, stable, some runs, some of, most runs, every third, every other, one time, times out, once in, once a, every few, only on, only in, only when, on ci, in ci, my laptop, laptop, locally, reruns, re-run, re-runs, alone, in isolation, together, the same test, at midnight, after midnight, time zone, timezone, dst, wall clock, disappears, vanishes, comes back, reproduce, reproducible, cannot reproduce, cannot be reproduced, deterministic, skip reason, mark as, waits for, wait for, waitfor, animation, animations, race detector, suite order, order of, random order, shared state, leaked state, depends on',
  'failing runs':
    'fails, failed, failing, fail, failure, failures, runs, run, passes, passed, pass, ci, hang, hangs, timeout, timed, red, retry, retried, agents, seed, nightly, sleep, shuffle, order',
  review:
    'review, reviewing, reviewer, reviewers, code review, reviewed, code-reviewer, security-auditor, pull request, merge request, pr, diff, patch, approve, approval, lgtm, nit, comment, comments, audit, auditing, finding, findings, smell, smells, criticise, criticize, critique, vulnerability, vulnerabilities, security review, safe, colleague, merged, merge, maintainability, readability, readable, wrong with, mistakes, defects, bug in, problems, severity, anything wrong, look at, go over, check this, good practice, idiomatic, clean, refactoring, over-engineering, duplication, security audit, injection, correct, acceptable, is that ok, that ok, ok ok, this ok, is this ok, this safe, is this safe, missing something, what should, should i, i flag, flag it, spot the, spot, anything missing, see anything, look right, looks right, this right, would you, mistake, mistakes, weakness, weaknesses, retain cycles, leaks, leak, insecure, secure, security, vulnerable, exploit, xss, csrf, sql injection, hard coded, hardcoded, secret, secrets, token, tokens, timing, constant time, unused, unused import, naming, variable name, complexity of, cyclomatic complexity, cyclomatic, cognitive complexity, anti-pattern, antipattern, solid, dry, principle, guideline, guidelines, style guide, lint, linter, eslint, sonar, beyond repair, as submitted, reviewable, block the, block, sign off, request changes, reject, accept, redos, backtracking, undefined behaviour, overflow, null pointer, use after, memory safety, thread-safe, thread safe, broken, wrong',
  'production work':
    'build a, build, implement, create, set up, deploy, convert, translate, refactor, rewrite, add a, write a, explain, summarise, summarize, format, recipe, letter, mail, e-mail, plan, organise, install, script, function, library, website, app, server, integrate, move, migrate, generate, fix the, make a, essay, story, poem, docker, rename, schedule, cover letter, fix my, change this, turn this, rewrite this, draft, outline, compose, translate this, a poem, tell me about, teach, learn, exercise, sql query, regex for, css for, bash, dockerfile, terraform, kubernetes manifest, deployment, readme, documentation, document, comment for, docstring, changelog, release notes, commit message, branch name, invoice, contract, presentation, slides, travel, dinner, workout, training plan, budget, novel',
  'a fact or a line':
    'what is, what does, what are, how do, which flag, flag, option, command, syntax, one-liner, one line, one-line, short, quick, quickly, just, only, one sentence, single, simple, define, name, what happens, one word, difference between, minimal, thanks, hi, hello, typo, rename, keep it, where do, env, in percent, one test, one case, suggest one, how many, nothing else, a one, spelling, meaning, short answer',
  argument:
    'why, argue, argument, arguments, prove, proof, disprove, refute, derive, justify, justified, justification, weigh, trade-off, trade-offs, tradeoff, tradeoffs, decide, decision, recommend, recommendation, defend, defensible, conclude, conclusion, hypothesis, hypotheses, assumption, assumptions, assume, evidence, convince, convincing, sceptic, sceptical, skeptical, plausible, reason, reasoning, judge, verdict, belief, believe, worth, should we, should i, would you, whether, which would, better, compare, consider, think, probable, likely, contradict, contradicts, paradox, stand, case for, both sides, pros and, counterexample, what would, which one, why not, justifiable, implies, imply, estimate, incentives, incentive, policy, interpretation, rational, strategy, prioritise, prioritize, root cause, diagnose, explain why, opinion, disagree, right, objection, risk, cost, criteria, claim, claims, claimed, ethics, ethical, flaw, inference, correlation, confounders, bayesian, posterior, break-even, second-order, long-run, sound, option value, alternatives, alternative, uncertainty, possible, under which, depends, invest, choose, pick, either, mechanism, guarantee, guarantees, quantify, evaluate, assess, is it, can we, does it',
  'systems and time':
    'concurrent, concurrently, concurrency, race, races, deadlock, deadlocks, lock, locks, distributed, kafka, redis, kubernetes, rabbitmq, nats, grpc, transaction, transactions, replica, replicas, replication, shard, shards, failover, backoff, migration, migrations, rollback, idempotency, idempotent, consumer, consumers, worker, workers, cluster, tenant, tenants, multi-tenant, crash, crashes, snapshot, snapshots, thread, threads, atomic, atomics, partition, oauth, oidc, saml, protocol, handshake, state machine, pipeline, services, service, microservices, subgraphs, pods, saga, compensation, event-sourced, projections, webhooks, cache, invalidation, sync, synchronisation, crdt, offline, conflict, streams, streaming, memory, interleaving, interleavings, reentrancy, leases, lease, leader, schema, backfill, rollout, queue, queues, nodes, recovery, restart, restarts, out-of-order, duplicates, exactly-once, rotation, revocation, isolation, starvation, shutdown, reconnect, scheduler, firmware, monorepo, compiler, platform, engine',
  'several parts':
    'end-to-end, integration, modules, files, packages, components, across, per, each, several, multiple, all, these, between, both, five, six, nine, teams, layers, together, service and, scripts, workflow, matrix, manifests, by module, full, complete, architecture, along with, harness, plus, also, every, repositories, pipeline, environments, versions, stages',
  'one unit':
    'class, component, function, method, endpoint, handler, module, route, form, file, table, page, config, query, script, hook, constructor, parser, the following, below, rules, errors, error, validation, boundaries, cases, field, fields, states, message, messages, boundary, workflow',
} as const;

export type Signal = keyof typeof WORDS;
export const SIGNALS = Object.keys(WORDS);

/** Which signals a stem or a pair of stems speaks for. */
export const SIGNALS_OF: ReadonlyMap<string, readonly string[]> = index();

function index(): Map<string, string[]> {
  const signals = new Map<string, string[]>();
  for (const [signal, words] of Object.entries(WORDS)) {
    for (const word of words.split(', ')) {
      const term = word.split(' ').map(stem).join(' ');
      const known = signals.get(term);
      if (known === undefined) signals.set(term, [signal]);
      else if (!known.includes(signal)) known.push(signal);
    }
  }
  return signals;
}
