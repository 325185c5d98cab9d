import type { Finding, Machine, Transition } from '../api/forms'
import { parsePlace } from '../place'

// Mark says in what way a move is odd: by what the node says beside a transition, or by a check against a machine.
export type Mark = 'concurrent' | 'early' | 'elsewhere' | 'pruned' | 'malformed' | 'illegal'

// Step is a move with its number in the history, from 1.
export interface Step { n: number, move: Transition, marks: Mark[], findings: Finding[] }

// noted are the beginnings of what a node notes beside a transition; the page and its node are of one binary.
const noted: [string, Mark][] = [
  ['concurrent with ', 'concurrent'], ['early: ', 'early'], ['the subject was in ', 'elsewhere'], ['after what was pruned', 'pruned'], ['malformed: ', 'malformed'],
]

// classes are those of a check's findings that no note says: they are against the machine.
const classes = new Set(['unknown-state', 'bad-beginning', 'after-end', 'illegal', 'wrong-trigger'])

// steps numbers the moves of a subject, in the order in which the node gives them, and marks them.
export function steps(moves: readonly Transition[], findings: readonly Finding[] = []): Step[] {
  return moves.map((move, i) => {
    const mine = findings.filter(f => f.transition.place === move.place && f.transition.op === move.op)
    const marks = noted.filter(([begin]) => move.notes?.some(note => note.startsWith(begin))).map(([, mark]) => mark)
    if (mine.some(f => classes.has(f.class))) marks.push('illegal')
    return { n: i + 1, move, marks, findings: mine }
  })
}

// concurrent gives the numbers of the steps that a step is concurrent with, as its notes name them.
export function concurrent(step: Step, history: readonly Step[]): number[] {
  const places = (step.move.notes ?? []).flatMap(note => parsePlace(note.replace(/^concurrent with /, '')) ?? [])
  const at = (s: Step) => parsePlace(s.move.place)
  return history.filter(s => places.some(p => at(s)?.author === p.author && at(s)?.seq === p.seq && (!p.branch || s.move.op.startsWith(p.branch)))).map(s => s.n)
}

// Edge is all moves from one stage to another; no stage is ''. allowed says that the machine has it, where there is one.
export interface Edge { from: string, to: string, steps: Step[], marks: Mark[], allowed?: boolean }

// allowed are the moves of a machine, one by one: "*" is any state that is not terminal.
export function allowed(machine: Machine): { from: string, to: string }[] {
  const leavable = machine.states.map(s => s.name).filter(s => !machine.terminal?.includes(s))
  return [
    ...machine.initial.map(to => ({ from: '', to })),
    ...machine.moves.flatMap(m => m.from === '*' ? leavable.filter(from => from !== m.to).map(from => ({ from, to: m.to })) : [{ from: m.from, to: m.to }]),
  ]
}

// Place of a stage in the drawing: rank counts away from the beginning, lane sideways.
export interface Spot { stage: string, rank: number, lane: number }

export interface Diagram { spots: Spot[], edges: Edge[], ranks: number, lanes: number }

// diagram says how a history is drawn: each stage once, ranked by the longest way to it from where the subject began, not counting
// moves that lead back. machine adds the stages and moves that nobody made.
export function diagram(history: readonly Step[], machine: readonly { from: string, to: string }[] = []): Diagram {
  const known = new Map<string, Edge>()
  const edge = (from: string, to: string) => {
    const key = JSON.stringify([from, to])
    const made = known.get(key) ?? { from, to, steps: [], marks: [] }
    known.set(key, made)
    return made
  }
  for (const step of history) {
    const e = edge(step.move.from, step.move.to)
    e.steps.push(step)
    for (const mark of step.marks) if (!e.marks.includes(mark)) e.marks.push(mark)
  }
  for (const move of machine) edge(move.from, move.to).allowed = true
  const edges = [...known.values()]
  const ranks = rank(edges)
  const lanes = new Map<number, number>()
  const spots: Spot[] = []
  for (const [stage, r] of ranks) {
    const lane = lanes.get(r) ?? 0
    lanes.set(r, lane + 1)
    spots.push({ stage, rank: r, lane })
  }
  return { spots, edges, ranks: lanes.size, lanes: Math.max(1, greatest(lanes.values())) }
}

// rank gives each stage the length of the longest way to it over edges that do not lead back to a stage on the way.
function rank(edges: readonly Edge[]): Map<string, number> {
  const stages = [...new Set(edges.flatMap(e => [e.from, e.to]))]
  const leads = new Map<string, string[]>(stages.map(s => [s, []]))
  for (const e of edges) if (e.from !== e.to) leads.get(e.from)!.push(e.to)
  // A depth-first walk finds the edges that lead back; without them the order in which stages are finished, reversed, is topological.
  const state = new Map<string, 'open' | 'done'>()
  const forward = new Map<string, string[]>(stages.map(s => [s, []]))
  const finished: string[] = []
  const visit = (first: string) => {
    const way: { stage: string, next: number }[] = [{ stage: first, next: 0 }]
    state.set(first, 'open')
    for (let top = way[way.length - 1]; top; top = way[way.length - 1]) {
      const to = leads.get(top.stage)![top.next++]
      if (to === undefined) {
        state.set(top.stage, 'done')
        finished.push(top.stage)
        way.pop()
      } else if (state.get(to) !== 'open') {
        forward.get(top.stage)!.push(to)
        if (!state.has(to)) {
          state.set(to, 'open')
          way.push({ stage: to, next: 0 })
        }
      }
    }
  }
  const reached = new Set(edges.filter(e => e.from !== e.to).map(e => e.to))
  for (const stage of [...stages.filter(s => !reached.has(s)), ...stages]) if (!state.has(stage)) visit(stage)
  const ranks = new Map<string, number>(stages.map(s => [s, 0]))
  for (const stage of finished.reverse()) for (const to of forward.get(stage)!) ranks.set(to, Math.max(ranks.get(to)!, ranks.get(stage)! + 1))
  return ranks
}

function greatest(numbers: Iterable<number>): number {
  let most = 0
  for (const n of numbers) most = Math.max(most, n)
  return most
}
