import { afterEach, expect, test, vi } from 'vitest'
import { Refused } from './call'
import { lines } from './lines'
import { tail, type Told } from './tail'

afterEach(() => { vi.unstubAllGlobals() })

// event is what a node sends of the n-th entry, whose cursor is c1 for the first: the one behind it.
function event(n: number): string {
  return `id: c${n + 1}\ndata: ${JSON.stringify({ seq: n, kind: 'käse', payload: 'x'.repeat(n) })}\n\n`
}

// serve answers as a node that has so many entries does: each connection is cut off after so many bytes, and asked for what is behind the
// last id that the reader has. It returns the ids that were asked with.
function serve(entries: number, cuts: number[], chunk = 7): (string | null)[] {
  const asked: (string | null)[] = []
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    const last = new Headers(init.headers).get('Last-Event-ID')
    asked.push(last)
    const from = Number(last?.slice(1) ?? 0)
    let text = `id: c${from}\n\n\n`
    for (let n = from; n < entries; n++) text += event(n)
    const bytes = new TextEncoder().encode(text).slice(0, cuts.shift() ?? Infinity)
    return new Response(new ReadableStream({
      start(stream) {
        for (let i = 0; i < bytes.length; i += chunk) stream.enqueue(bytes.slice(i, i + chunk))
        stream.close()
      },
    }))
  })
  return asked
}

async function seqs(want: number): Promise<number[]> {
  const told: number[] = []
  const over = new AbortController()
  for await (const t of tail({}, over.signal, async () => {})) {
    if (t.what === 'entry') told.push(t.entry.seq)
    if (told.length >= want) break
  }
  over.abort()
  return told
}

test('wherever a connection breaks, each entry is told once', async () => {
  const entries = 6
  const all = Array.from({ length: entries }, (_, i) => i)
  const length = new TextEncoder().encode('id: c0\n\n\n' + all.map(event).join('')).length
  for (let cut = 0; cut <= length; cut++) {
    const asked = serve(entries, [cut, 11, cut, 40])
    expect(await seqs(entries), `cut at ${cut}`).toEqual(all)
    expect(asked[0]).toBe(null)
  }
})

test('a stream that begins nowhere goes on from where it began', async () => {
  const asked = serve(3, [9])
  await seqs(3)
  expect(asked).toEqual([null, 'c0'])
})

test('what is refused for good ends the tail, and what is not is tried again', async () => {
  const answers = [new Response('{}', { status: 503 }), new TypeError('no network'), new Response('{"code":"unauthorized","detail":"no"}', { status: 401 })]
  vi.stubGlobal('fetch', async () => {
    const next = answers.shift()!
    if (next instanceof Response) return next
    throw next
  })
  const told: Told[] = []
  const reading = (async () => { for await (const t of tail({}, new AbortController().signal, async () => {})) told.push(t) })()
  await expect(reading).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
  expect(told.map(t => t.what)).toEqual(['lost', 'lost'])
})

test('events that are no entries are told as what they are', async () => {
  vi.stubGlobal('fetch', async () => new Response(
    ': a comment\nid: c4\nevent: gone\ndata: {"entries":4,\ndata: "offset":4}\n\nevent: problem\ndata: {"status":410,"code":"trimmed","detail":"gone"}\n\n'))
  const told: Told[] = []
  const reading = (async () => { for await (const t of tail({}, new AbortController().signal, async () => {})) told.push(t) })()
  await expect(reading).rejects.toBeInstanceOf(Refused)
  expect(told).toEqual([{ what: 'open' }, { what: 'gone', gone: { entries: 4, offset: 4 } }])
})

test('lines come whole, however they are cut, and a refusal among them is thrown', async () => {
  const text = '{"a":"käse"}\n\n{"a":"\\n"}\r\n{"error":{"status":500,"code":"damaged","detail":"broken"}}'
  const bytes = new TextEncoder().encode(text)
  for (let chunk = 1; chunk < 12; chunk++) {
    vi.stubGlobal('fetch', async () => new Response(new ReadableStream({
      start(stream) {
        for (let i = 0; i < bytes.length; i += chunk) stream.enqueue(bytes.slice(i, i + chunk))
        stream.close()
      },
    })))
    const got: unknown[] = []
    const reading = (async () => { for await (const line of lines('/v1/x')) got.push(line) })()
    await expect(reading).rejects.toMatchObject({ code: 'damaged' })
    expect(got).toEqual([{ a: 'käse' }, { a: '\n' }])
  }
})

test('a node that hangs is lost, and asked again', async () => {
  vi.useFakeTimers()
  try {
    let asked = 0
    vi.stubGlobal('fetch', async () => {
      asked++
      return new Response(new ReadableStream({ start(stream) { stream.enqueue(new TextEncoder().encode(event(0))) } }))
    })
    const over = new AbortController()
    const told: Told['what'][] = []
    const reading = (async () => {
      for await (const one of tail({}, over.signal)) told.push(one.what)
    })()
    await vi.advanceTimersByTimeAsync(44_000)
    expect(told).toEqual(['open', 'entry'])
    await vi.advanceTimersByTimeAsync(2000)
    expect(told.slice(0, 4)).toEqual(['open', 'entry', 'lost', 'open'])
    expect(asked).toBe(2)
    over.abort()
    await vi.advanceTimersByTimeAsync(60_000)
    await reading
  } finally {
    vi.useRealTimers()
  }
})
