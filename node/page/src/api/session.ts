import { signal } from '@preact/signals'
import { Refused } from './call'

// session is what the page may ask with: a token with scope read that a sign-in code was exchanged for, and until when
// it holds. It lives in sessionStorage, so in this tab alone, and ends with it.
export interface Session { token: string, expires: string }

// How the page stands with its node: signed in, or not and why.
export type Standing = 'in' | 'none' | 'expired' | 'out' | 'forgotten' | 'code' | 'limited' | 'unreachable'

export const session = signal<Session | null>(null)
export const standing = signal<Standing>('none')

const stored = 'quipu.session'

// isCode says whether the fragment of an address is a sign-in code, and not a place of the page, which begins with a slash.
export function isCode(fragment: string): boolean {
  return /^[A-Za-z0-9_-]{16,256}$/.test(fragment)
}

// signIn takes a code out of the address, exchanges it, and keeps the session. Without a code it takes up the session
// of this tab. The code is out of the address before it is sent, so that no history and no link ever has it.
export async function signIn(): Promise<void> {
  const code = location.hash.slice(1)
  if (isCode(code)) {
    history.replaceState(null, '', location.pathname + location.search)
    standing.value = await exchange(code)
    return
  }
  session.value = read()
  standing.value = session.value ? 'in' : 'none'
}

async function exchange(code: string): Promise<Standing> {
  try {
    const answer = await fetch('v1/page/sessions', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }), credentials: 'omit',
    })
    if (answer.status === 429) return 'limited'
    if (!answer.ok) return 'code'
    const got = await answer.json() as Session
    session.value = got
    keep(got)
    return 'in'
  } catch {
    return 'unreachable'
  }
}

// ended is told by every call that the node no longer knows the session of: it ran out, or the node was started again.
export function ended(): void {
  if (standing.value !== 'in') return
  session.value = null
  keep(null)
  standing.value = 'expired'
}

// signOut has the node end the session, and forgets it here in any case: where the node did not answer within three seconds it knows the session for
// as long as that holds.
export async function signOut(): Promise<void> {
  const told = await fetch('v1/page/sessions', {
    method: 'DELETE', headers: { Authorization: `Bearer ${session.value?.token ?? ''}` }, credentials: 'omit', signal: AbortSignal.timeout(3000),
  }).then(answer => answer.ok || answer.status === 401, () => false)
  session.value = null
  keep(null)
  standing.value = told ? 'out' : 'forgotten'
}

// isEnded says whether an error means that the session is over.
export function isEnded(err: unknown): boolean {
  return err instanceof Refused && err.status === 401
}

function read(): Session | null {
  try {
    const got = JSON.parse(sessionStorage.getItem(stored) ?? 'null') as Session | null
    return got && typeof got.token === 'string' && Date.parse(got.expires) > Date.now() ? got : null
  } catch {
    return null
  }
}

function keep(value: Session | null): void {
  try {
    if (value) sessionStorage.setItem(stored, JSON.stringify(value))
    else sessionStorage.removeItem(stored)
  } catch {
    // A browser that keeps nothing for this page signs it in for as long as it is not loaded again.
  }
}
