import type { Entry } from '../api/forms'
import { at, count, span, whole, type Answer, type Cell, type Cord } from './forms'
import { visible } from './knots'
import { last, silencesBetween, type Scale, type Silence } from './scale'

// Asked is what the loom asks a node for: the parameters of GET /v1/cords.
export interface Asked { from?: number, to?: number, width: number, author: readonly string[], kind: readonly string[] }

// A Loom holds what the picture is drawn from: the whole log as coarse as it comes, and the window that is looked at, with as
// much again on both sides, as fine as it is needed. It asks for no more than one window at a time, and for none while what it
// has is enough.
//
// Invariant: what `whole` says is never older than what `near` says, which is drawn above it. Where one is asked for again since more has come
// than was told, so is the other; a loading that is given up for another one leaves that to it.
export class Loom {
  whole: Answer | null = null
  near: Answer | null = null
  #running: AbortController | null = null
  #asked: { from: number, to: number, density: number } | null = null
  #silences: { near: Answer | null, whole: Answer | null, now: number, list: Silence[] } | null = null
  // told is what has come since the answer that is under way was asked for, which may have counted it or not. stale says that the whole
  // has to be asked for again.
  #told: Entry[] = []
  #stale = false

  constructor(
    readonly ask: (asked: Asked, signal: AbortSignal) => Promise<Answer>,
    readonly changed: () => void, readonly failed: (error: unknown) => void,
  ) {}

  // begin loads the whole log anew, of some authors and kinds alone where some are named.
  async begin(author: readonly string[], kind: readonly string[], width: number): Promise<void> {
    this.#stale = true
    await this.#load([{ width, author, kind }], ([whole]) => {
      this.whole = whole!
      this.near = null
      this.#asked = null
      this.#stale = false
    })
  }

  // again asks once more for what is here, since receipts or much else may have changed.
  async again(author: readonly string[], kind: readonly string[], width: number): Promise<void> {
    if (!this.near) return this.begin(author, kind, width)
    // The window that was wanted last may be under way still.
    const { from, to } = this.#asked ?? this.near
    this.#stale = true
    await this.#window({ from, to, width, author, kind })
  }

  // want loads the window of the scale where what is here is too little or too coarse for it.
  async want(scale: Scale, author: readonly string[], kind: readonly string[]): Promise<void> {
    if (!this.whole || this.#enough(scale)) return
    const from = Math.floor(scale.t(-scale.height))
    const to = Math.ceil(Math.max(scale.t(2 * scale.height), scale.t(scale.height) + 1))
    this.#asked = { from, to, density: scale.density }
    await this.#window({ from, to, width: columnsFor(scale.height), author, kind })
  }

  // #window loads a window, and then the whole too where that would be the older of the two.
  async #window(asked: Asked): Promise<void> {
    const { width, author, kind } = asked
    await this.#load(this.#stale ? [asked, { width, author, kind }] : [asked], ([near, whole]) => {
      this.near = near!
      if (!whole) return
      this.whole = whole
      this.#stale = false
    })
  }

  // behind says that an answer lacks entries which the node had not counted yet.
  get behind(): boolean {
    return (this.whole?.behind ?? 0) > 0 || (this.near?.behind ?? 0) > 0
  }

  stop(): void {
    this.#running?.abort()
  }

  // #load asks for one after the other, puts all of it at once, and tells it what has come meanwhile.
  async #load(asked: readonly Asked[], put: (answers: readonly Answer[]) => void): Promise<void> {
    this.#running?.abort()
    const call = this.#running = new AbortController()
    this.#told = []
    try {
      const answers: Answer[] = []
      for (const one of asked) {
        answers.push(whole(await this.ask(one, call.signal)))
        if (call.signal.aborted) return
      }
      put(answers)
      this.#running = null
      for (const e of this.#told) this.#count(e, answers[0]!.now)
      this.#silences = null
      this.changed()
    } catch (error) {
      if (!call.signal.aborted) this.failed(error)
    }
  }

  // #enough says that nothing is asked for: what is here is fine enough, or is what came when this was asked for.
  #enough(scale: Scale): boolean {
    const asked = this.#asked
    if (asked && asked.from <= scale.from && asked.to >= scale.to && scale.density / asked.density < 2) return true
    const best = this.best(scale)
    return best !== null && covers(best, scale, this.whole!) && !coarse(best, scale)
  }

  // best is the answer that shows the scale finest.
  best(scale: Scale): Answer | null {
    return this.near && this.whole && covers(this.near, scale, this.whole) ? this.near : this.whole
  }

  // silences are the stretches without an entry, as far as is known, up to now.
  silences(now: number): readonly Silence[] {
    const { near, whole } = this
    if (!whole) return []
    const known = this.#silences
    if (known && known.near === near && known.whole === whole && Math.abs(known.now - now) < 1000) return known.list
    const taken: Silence[] = [{ from: now, to: now }]
    const take = (from: number, to: number) => { if (to >= from) taken.push({ from, to }) }
    const end = (c: Cell) => count(c) === 1 ? at(c) : at(c) + span(c)
    for (const c of near?.all ?? []) take(at(c), end(c))
    for (const c of whole.all) {
      // Of what the window is about the window knows more; what reaches out of it counts there.
      take(at(c), near ? Math.min(end(c), near.from) : end(c))
      if (near) take(Math.max(at(c), near.to), end(c))
    }
    const list = silencesBetween(taken)
    this.#silences = { near, whole, now, list }
    return list
  }

  // add takes in what has just come, and says which of it is new: the page's stream may tell what an answer had counted.
  add(entries: readonly Entry[], now: number): Entry[] {
    if (this.#running) this.#told.push(...entries)
    const fresh = entries.filter(e => this.#count(e, now))
    if (fresh.length > 0) this.#silences = null
    return fresh
  }

  // #count counts an entry in each answer that has not counted it, and says whether the whole had not.
  #count(e: Entry, now: number): boolean {
    const { whole, near } = this
    if (!whole) return false
    const t = Date.parse(e.time)
    const fresh = isNew(whole, e)
    if (fresh) {
      // The log's end moves with what comes, unless that says to be of a time far ahead. A window keeps its own.
      if (t >= whole.to && t < now + day) whole.to = t + 1
      // One that had none begins with the first, not in 1970.
      if (whole.first === undefined && whole.all.length === 0) whole.from = Math.min(t, whole.to)
      put(whole, e, t)
    }
    if (near && isNew(near, e)) put(near, e, t)
    return fresh
  }
}

// day is how far ahead of now a time may be that is not far outside.
export const day = 86_400_000

// columnsFor is in how many columns a window is asked for that is shown in the middle third of so many pixels.
export const columnsFor = (height: number): number => Math.min(4096, 2 ** Math.ceil(Math.log2(Math.max(256, height / 2))))

// coarsest is how many pixels several entries may share without being asked for more exactly.
const coarsest = 14

export function covers(answer: Answer, scale: Scale, whole: Answer): boolean {
  return answer.from <= Math.max(scale.from, whole.from) && answer.to >= Math.min(scale.to, whole.to)
}

function coarse(answer: Answer, scale: Scale): boolean {
  return answer.cords.some(cord => {
    const [begin, end] = visible(cord.cells, scale, 0)
    for (let i = begin; i < end; i++) {
      const c = cord.cells[i]!
      if (count(c) > 1 && span(c) * scale.density > coarsest) return true
    }
    return false
  })
}

function isNew(answer: Answer, e: Entry): boolean {
  const cord = answer.cords.find(c => c.author === e.author)
  return !cord || e.seq >= cord.next
}

// put counts one more entry in an answer.
export function put(answer: Answer, e: Entry, t: number): void {
  if (answer.first !== undefined) answer.first = Math.min(answer.first, t)
  answer.last = Math.max(answer.last ?? t, t)
  let cord = answer.cords.find(c => c.author === e.author)
  if (!cord) {
    cord = { author: e.author, entries: 0, before: 0, after: 0, first: t, last: t, next: 0, cells: [] }
    answer.cords.push(cord)
  }
  cord.next = Math.max(cord.next, e.seq + 1)
  cord.first = Math.min(cord.first, t)
  cord.last = Math.max(cord.last, t)
  let kind = answer.kinds.indexOf(e.kind)
  if (kind < 0 && answer.kinds.length < 12) kind = answer.kinds.push(e.kind) - 1
  if (t < answer.from) cord.before++
  else if (t >= answer.to) cord.after++
  else {
    cord.entries++
    insert(cord.cells, t, e.seq, kind)
    insert(answer.all, t, e.offset ?? 0, kind)
  }
}

// insert counts an entry in the cell that its time is in, or in one of its own.
export function insert(cells: Cell[], t: number, seq: number, kind: number): void {
  const i = last(cells.length, k => at(cells[k]!) <= t)
  const c = cells[i]
  if (!c || at(c) + span(c) <= t) {
    cells.splice(i + 1, 0, kind < 0 ? [t, 1, 1, seq, seq] : [t, 1, 1, seq, seq, kind, 1])
    return
  }
  const more = [...c]
  more[2]!++
  more[3] = Math.min(more[3]!, seq)
  more[4] = Math.max(more[4]!, seq)
  if (kind >= 0) {
    let p = 5
    while (p < more.length && more[p] !== kind) p += 2
    if (p < more.length) more[p + 1]!++
    else more.push(kind, 1)
  }
  cells[i] = more
}

// shown are the cords that a picture of the window has: those with entries in it, those that were asked for and those of members.
export function shown(answer: Answer, author: readonly string[], member: (author: string) => boolean): Cord[] {
  const some = answer.cords.filter(c => c.entries > 0 || author.includes(c.author) || member(c.author))
  return some.length > 0 ? some : answer.cords
}
