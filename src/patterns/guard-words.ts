/** Words that turn a meaning round or move it: they must be the same. */
export const SWAYING_WORDS: ReadonlySet<string> = new Set(
  `all every each only both either first last next previous before after above below under over
  more less most least fewer min max minimum maximum ascending descending increasing decreasing
  include exclude including excluding inclusive exclusive enable disable enabled disabled
  sync async synchronous asynchronous true false null undefined empty nonempty full partial
  pass fail passing failing passed failed success failure valid invalid positive negative
  always sometimes often rarely once twice again still
  local remote public private internal external client server frontend backend
  read write input output left right top bottom start end begin finish open close
  add remove insert delete push pop create destroy encode decode encrypt decrypt serialize deserialize
  parse format import export upload download
  unit integration e2e regression property snapshot
  line branch statement mutation
  but instead rather than if else while until because`
    .split(/\s+/)
    .filter((word) => !['create', 'write', 'add', 'read', 'start', 'open'].includes(word)),
);

/** Words that say how something is asked for. */
export const FREE_WORDS: ReadonlySet<string> = new Set(
  `a an the this that these those it its i me my we us our you your they them their
  is are was were be been being am do does did doing done have has had having
  can could will would shall should may might must need needs want wants like let lets
  please kindly thanks thank hey hi hello ok okay now just also too so very really quite
  to of for in on at by from with as into onto about and or then there here
  what which who whom whose where when how why
  any some good nice proper suitable appropriate useful complete comprehensive thorough detailed clear
  quick short brief small
  give show tell help provide offer get got go
  use using used
  code source piece following given below attached`.split(/\s+/),
);

const CLASSES: readonly (readonly string[])[] = [
  [
    'write',
    'generate',
    'create',
    'produce',
    'make',
    'add',
    'build',
    'draft',
    'compose',
    'author',
    'prepare',
    'implement',
  ],
  ['test', 'spec', 'testcase'],
  ['case', 'scenario'],
  ['function', 'method', 'routine', 'func'],
  ['module', 'file', 'component'],
  ['class', 'type'],
  ['find', 'detect', 'identify', 'spot', 'locate', 'discover', 'search', 'look'],
  ['check', 'verify', 'validate', 'ensure', 'ensuring', 'confirm', 'assert'],
  ['review', 'inspect', 'examine', 'assess', 'evaluate', 'analyse', 'analyze', 'audit'],
  ['explain', 'describe', 'clarify', 'explanation', 'description'],
  ['fix', 'repair', 'correct', 'solve', 'resolve', 'mend'],
  ['bug', 'defect', 'issue', 'problem', 'fault'],
  ['suggest', 'recommend', 'propose', 'advise'],
  ['improve', 'better', 'enhance', 'raise', 'increase'],
  ['cover', 'coverage', 'covered', 'covering'],
  ['uncovered', 'untested'],
  ['flaky', 'flake', 'flakiness', 'intermittent', 'unstable', 'nondeterministic'],
  ['cause', 'reason'],
  ['merge', 'merging', 'combine', 'combining', 'join', 'joining'],
  ['list', 'enumerate', 'name'],
  ['change', 'diff', 'patch'],
  ['run', 'execute', 'running', 'executing'],
  ['handle', 'handling'],
  ['error', 'exception'],
];

/** Words of which one can stand for another, by the first of them. */
export const PARAPHRASE_CLASSES: ReadonlyMap<string, string> = new Map(
  CLASSES.flatMap((words) => words.map((word) => [word, words[0] ?? word] as const)),
);
