import { signal } from '@preact/signals'
import { get } from './api/call'
import type { Entry, Status } from './api/forms'
import { isEnded } from './api/session'
import { tail } from './api/tail'

// What has come to the node: entries, in order of arrival and each once, or many, which are too many to be sent to a page:
// then whoever draws them asks for the picture again. next is the offset behind the last.
export type Arrivals = { entries: Entry[], many: 0, next: number } | { entries: [], many: number, next: number }

// How the stream stands: live, lost (and tried again at a time), or busy, when entries come faster than a page should take.
export type Stream = { state: 'connecting' | 'live' | 'busy' } | { state: 'lost', again: number } | { state: 'ended', error: unknown }

export const stream = signal<Stream>({ state: 'connecting' })

const heard = new Set<(arrivals: Arrivals) => void>()

// onArrivals calls fn with what comes from now on, at most once a frame, until the function that it returns is called. All of the page
// share one stream.
export function onArrivals(fn: (arrivals: Arrivals) => void): () => void {
  heard.add(fn)
  return () => { heard.delete(fn) }
}

// A page takes entries one by one up to so many a second, or so many bytes of them; beyond it looks at the count every two
// seconds, until no more than quiet come a second.
const most = { entries: 300, bytes: 256 << 10 }, quiet = 100

// listen keeps the stream until signal is aborted or the session is over.
export async function listen(signal: AbortSignal): Promise<void> {
  let from: Status | null = null
  while (!signal.aborted) {
    try {
      // A node that was made again from a backup has other arrivals, and refuses the cursors of before: what is drawn is asked again.
      from ??= await begin(signal)
      const next = await follow(from, signal)
      stream.value = { state: 'busy' }
      from = await calm(next, signal)
    } catch (error) {
      if (signal.aborted) return
      if (isEnded(error)) {
        stream.value = { state: 'ended', error }
        return
      }
      from = null
      stream.value = { state: 'lost', again: Date.now() + 5000 }
      await new Promise(done => setTimeout(done, 5000))
    }
  }
}

async function begin(signal: AbortSignal): Promise<Status> {
  const status = await get<Status>('/v1/status', {}, signal)
  if (stream.peek().state !== 'connecting') tell({ entries: [], many: 1, next: status.next })
  return status
}

// follow tells what comes behind a status until that is too much, and gives the offset behind what it has told.
async function follow(from: Status, signal: AbortSignal): Promise<number> {
  let next = from.next
  const meter = new Meter()
  let batch: Entry[] = []
  let due = 0
  const flush = () => {
    cancelAnimationFrame(due)
    due = 0
    const last = batch[batch.length - 1]
    if (last) {
      next = (last.offset ?? 0) + 1
      tell({ entries: batch, many: 0, next })
    }
    batch = []
  }
  const call = new AbortController()
  const stop = () => call.abort()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const told of tail({ after: from.cursor, gone: 'show' }, call.signal)) {
      if (told.what === 'open') stream.value = { state: 'live' }
      else if (told.what === 'lost') stream.value = { state: 'lost', again: Date.now() + told.again }
      else if (told.what === 'gone') tell({ entries: [], many: told.gone.entries, next: told.gone.offset })
      else {
        batch.push(told.entry)
        if (!due) due = document.hidden ? window.setTimeout(flush, 1000) : requestAnimationFrame(flush)
        if (meter.add(told.entry)) break
      }
    }
  } finally {
    flush()
    signal.removeEventListener('abort', stop)
    call.abort()
  }
  return next
}

// calm counts what comes behind what was told last, until it is little again, and gives the status from whose cursor on the stream can go on.
async function calm(told: number, signal: AbortSignal): Promise<Status> {
  let before: Status | null = null
  for (;;) {
    const now: Status | null = await get<Status>('/v1/status', {}, signal).catch(error => {
      if (signal.aborted || !(error instanceof TypeError)) throw error
      return before
    })
    if (now && now.next > told) {
      tell({ entries: [], many: now.next - told, next: now.next })
      told = now.next
    }
    if (now && before && (now.next - before.next) / 2 <= quiet) return now
    before = now
    await new Promise(done => setTimeout(done, 2000))
  }
}

function tell(arrivals: Arrivals): void {
  for (const fn of heard) fn(arrivals)
}

// Meter says when a stream has been too much for two seconds.
class Meter {
  private second = 0
  private entries = 0
  private bytes = 0
  private over = 0

  add(entry: Entry): boolean {
    const now = Math.floor(performance.now() / 1000)
    if (now !== this.second) {
      this.over = this.entries > most.entries || this.bytes > most.bytes ? this.over + 1 : 0
      this.second = now
      this.entries = this.bytes = 0
    }
    this.entries++
    this.bytes += entry.payloadBase64?.length ?? JSON.stringify(entry.payload ?? '').length
    return this.over >= 2
  }
}
