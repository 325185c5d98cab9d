import { ended, session } from './session'

// Refused is a node's answer that is no success: problem details, as docs/ERRORS.md explains their codes.
export class Refused extends Error {
  constructor(readonly status: number, readonly code: string, detail: string) {
    super(detail)
    this.name = 'Refused'
  }
}

// Params are the query of a call; a list gives its name several times, and what is empty is left out.
export type Params = Record<string, string | number | boolean | readonly string[] | null | undefined>

// counts is what the page has asked of its node since it was loaded, how many strokes the last of its frames had, and whether the
// picture has moved since it last asked for what it lacks: tests assert it, and window.quipu shows it.
export const counts = { requests: 0, bytes: 0, strokes: 0, frames: 0, moving: false }

// address gives the path of a call with its query, as curl would be given it.
export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) query.append(name, one)
    else if (value !== undefined && value !== null && value !== '' && value !== false) query.set(name, String(value))
  }
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

// ask makes one GET call below the page's own address, with the session's token, and gives the answer if it is a success.
// An answer that the node no longer knows the token ends the session. It throws Refused, TypeError where the node is not
// reached, and AbortError.
export async function ask(path: string, params: Params, accept: string, signal?: AbortSignal, headers: Record<string, string> = {}): Promise<Response> {
  counts.requests++
  const token = session.value?.token
  const answer = await fetch(address(path, params).replace(/^\//, './'), {
    headers: { Accept: accept, ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
    credentials: 'omit', cache: 'no-store', redirect: 'error', ...(signal ? { signal } : {}),
  })
  if (answer.ok) return answer
  const refused = await problem(answer)
  if (refused.status === 401) ended()
  throw refused
}

// get reads one JSON value: get<Member[]>('/v1/members').
export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  const text = await (await ask(path, params, 'application/json', signal)).text()
  counts.bytes += text.length
  return JSON.parse(text) as T
}

async function problem(answer: Response): Promise<Refused> {
  try {
    const said = await answer.json() as { code?: string, detail?: string, title?: string }
    return new Refused(answer.status, said.code ?? 'unknown', said.detail ?? said.title ?? answer.statusText)
  } catch {
    return new Refused(answer.status, 'unknown', answer.statusText)
  }
}

// post makes a call that asks with a body, and changes nothing: the page's token could not.
export async function post<T>(path: string, body: unknown): Promise<T> {
  counts.requests++
  const answer = await fetch(path.replace(/^\//, './'), {
    method: 'POST', headers: { 'Accept': 'application/json', 'Content-Type': 'application/json', 'Authorization': `Bearer ${session.value?.token ?? ''}` },
    body: JSON.stringify(body), credentials: 'omit', cache: 'no-store', redirect: 'error',
  })
  if (answer.ok) return await answer.json() as T
  const refused = await problem(answer)
  if (refused.status === 401) ended()
  throw refused
}
