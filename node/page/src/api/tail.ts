import { ask, Refused, type Params } from './call'
import { split } from './lines'
import type { Entry, Trimmed } from './forms'

// Told is what a tail tells: that the connection stands, an entry, that entries were forgotten before they were told, or
// that the connection is lost, and after how many milliseconds it is tried again.
export type Told =
  | { what: 'open' }
  | { what: 'entry', entry: Entry }
  | { what: 'gone', gone: Trimmed }
  | { what: 'lost', error: unknown, again: number }

// tail reads what comes to the node, in the order of arrival, for as long as it is read: each entry once and none left
// out, over any number of lost connections and restarts of the node, since it goes on behind the last cursor that it has
// had. params are those of GET /v1/tail; what is refused for good (a wrong parameter, an ended session) is thrown.
export async function* tail(params: Params, signal: AbortSignal, pause: (ms: number) => Promise<void> = sleep(signal)): AsyncGenerator<Told> {
  let cursor = ''
  for (let failures = 0; !signal.aborted;) {
    let error: unknown
    try {
      const answer = await ask('/v1/tail', params, 'text/event-stream', signal, cursor ? { 'Last-Event-ID': cursor } : {})
      yield { what: 'open' }
      for await (const event of events(answer)) {
        failures = 0
        if (event.type === 'problem') {
          const problem = JSON.parse(event.data) as { status: number, code: string, detail: string }
          throw new Refused(problem.status, problem.code, problem.detail)
        }
        // The cursor moves before the entry is told: who is told it has it, and does not ask for it again.
        if (event.id) cursor = event.id
        if (event.type === 'gone') yield { what: 'gone', gone: JSON.parse(event.data) as Trimmed }
        else if (event.data !== '') yield { what: 'entry', entry: JSON.parse(event.data) as Entry }
      }
    } catch (err) {
      if (signal.aborted) return
      if (err instanceof Refused && err.status < 500 && err.status !== 408 && err.status !== 429) throw err
      error = err
    }
    const again = wait(failures++)
    yield { what: 'lost', error, again }
    await pause(again)
  }
}

// wait is how long is waited after so many failures in a row, in milliseconds: a quarter of a second doubled up to 15 s,
// and up to a quarter of it added, so that many pages do not come at once to a node that has just started.
function wait(failures: number): number {
  const base = Math.min(15_000, 250 * 2 ** Math.min(failures, 10))
  return Math.round(base * (1 + Math.random() / 4))
}

function sleep(signal: AbortSignal): (ms: number) => Promise<void> {
  return ms => new Promise(done => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => { clearTimeout(timer); done() }, { once: true })
  })
}

// silence is how long nothing may come, in milliseconds: a node says every 15 s that it lives, and one that does not say so for three times as
// long hangs, or is cut off.
const silence = 45_000

interface Event { id: string, type: string, data: string }

// events reads server-sent events as the HTML standard says, but for retry, which a node does not send. An event that the
// connection broke off in is none.
async function* events(answer: Response): AsyncGenerator<Event> {
  let id = '', type = '', data: string[] = [], any = false
  for await (const line of split(answer, silence)) {
    if (line === '') {
      if (any) yield { id, type, data: data.join('\n') }
      id = ''; type = ''; data = []; any = false
      continue
    }
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'id') { id = value; any = true }
    else if (field === 'event') { type = value; any = true }
    else if (field === 'data') { data.push(value); any = true }
  }
}
