import { ask, counts, Refused, type Params } from './call'

// lines reads a stream of JSON lines (application/x-ndjson) as it comes: for await (const e of lines<Entry>('/v1/entries', {…})).
// Empty lines say that the node lives. A stream that the node breaks off ends in its problem, thrown as Refused.
export async function* lines<T>(path: string, params: Params = {}, signal?: AbortSignal): AsyncGenerator<T, void> {
  const answer = await ask(path, params, 'application/x-ndjson', signal)
  for await (const line of split(answer)) {
    if (line === '') continue
    const value = JSON.parse(line) as { error?: { status: number, code: string, detail: string } }
    if (typeof value === 'object' && typeof value.error === 'object') throw new Refused(value.error.status, value.error.code, value.error.detail)
    yield value as T
  }
}

// split gives the lines of an answer, each without its end, and the rest as the last if there is one. Leaving the loop
// closes the connection. Where nothing at all comes for so many milliseconds it throws a TypeError, as where the connection broke.
export async function* split(answer: Response, silence = Infinity): AsyncGenerator<string> {
  if (!answer.body) return
  const reader = answer.body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await within(reader.read(), silence)
      if (done) break
      counts.bytes += value.length
      // A line of a megabyte comes in many pieces: only the new piece is searched.
      const pieces = decoder.decode(value, { stream: true }).split('\n')
      pieces[0] = rest + pieces[0]
      rest = pieces.pop() ?? ''
      for (const line of pieces) yield line.endsWith('\r') ? line.slice(0, -1) : line
    }
    rest += decoder.decode()
    if (rest !== '') yield rest
  } finally {
    reader.cancel().catch(() => {})
  }
}

// within gives what is promised, or throws where that takes longer.
function within<T>(promised: Promise<T>, ms: number): Promise<T> {
  if (ms === Infinity) return promised
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new TypeError('the node is silent')), ms)
    promised.then(done, fail).finally(() => clearTimeout(timer))
  })
}
