import { signal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { address, get, type Params } from './api/call'
import { standing } from './api/session'

// Resource is what a call last answered: value stays while a later try fails, and error says why that did.
export interface Resource<T> { value: T | null, error: unknown, at: number }

interface Shared { state: Signal<Resource<unknown>>, users: Map<object, number>, ask: () => void, stop: () => void }

// One poll for all who want the same, by address.
const all = new Map<string, Shared>()

// useResource asks GET path now and then every so many milliseconds, as long as somebody uses it and the page is looked at.
// Whoever else uses the same shares the answer; the shortest interval counts. every = 0 asks once.
export function useResource<T>(path: string | null, params: Params = {}, every = 0): Resource<T> {
  const key = path === null ? '' : address(path, params)
  useEffect(() => {
    if (path === null) return
    const user = {}
    const shared = share(key, path, params)
    shared.users.set(user, every)
    shared.ask()
    return () => {
      shared.users.delete(user)
      if (shared.users.size === 0) setTimeout(() => drop(key, shared), 1000)
    }
  }, [key, every])
  return (key ? share(key, path!, params).state.value : nothing) as Resource<T>
}

// drop forgets what nobody uses. Who comes next has had a moment to take it up: one view follows the other with what both show.
function drop(key: string, shared: Shared): void {
  if (shared.users.size > 0) return
  shared.stop()
  if (all.get(key) === shared) all.delete(key)
}

const nothing: Resource<unknown> = { value: null, error: null, at: 0 }

// refresh asks again at once what begins with a path: what has just changed, as an arrival says.
export function refresh(path: string): void {
  for (const [key, shared] of all) if (key.startsWith(path) && shared.users.size > 0) shared.ask()
}

function share(key: string, path: string, params: Params): Shared {
  const known = all.get(key)
  if (known) return known
  const state = signal(nothing)
  const users = new Map<object, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | null = null
  const ask = async () => {
    clearTimeout(timer)
    if (running || document.hidden || standing.peek() !== 'in') return
    const call = running = new AbortController()
    try {
      state.value = { value: await get(path, params, call.signal), error: null, at: Date.now() }
    } catch (error) {
      if (call.signal.aborted) return
      state.value = { ...state.peek(), error, at: Date.now() }
    }
    running = null
    // What is asked once is asked until it is answered.
    const soonest = Math.min(...[...users.values()].map(every => every || (state.peek().error ? 5000 : Infinity)))
    if (Number.isFinite(soonest)) timer = setTimeout(ask, soonest)
  }
  const shown = () => { if (!document.hidden) void ask() }
  document.addEventListener('visibilitychange', shown)
  const stop = () => {
    clearTimeout(timer)
    running?.abort()
    document.removeEventListener('visibilitychange', shown)
  }
  const made = { state, users, ask: () => void ask(), stop }
  all.set(key, made)
  return made
}
