import { useEffect, useState } from 'preact/hooks'
import { lines } from '../api/lines'
import { address, type Params } from '../api/call'
import { onArrivals } from '../arrivals'
import type { Entry } from '../api/forms'

export interface First<T> { values: T[] | null, more: boolean, error: unknown }

// useFirst reads the first of a stream of lines, so many and no more; more says that there are others. It reads them again every so
// many milliseconds while the page is looked at, and soon after something has come that concerns takes: 0 and none is once.
export function useFirst<T>(path: string, limit: number, every = 0, params: Params = {}, concerns?: (entry: Entry) => boolean): First<T> {
  const [state, set] = useState<First<T>>({ values: null, more: false, error: null })
  const key = address(path, params)
  useEffect(() => {
    const over = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const read = async () => {
      clearTimeout(timer)
      timer = undefined
      try {
        const got = document.hidden ? null : await first<T>(path, params, limit, over.signal)
        if (got) set({ ...got, error: null })
      } catch (error) {
        if (over.signal.aborted) return
        set(s => ({ ...s, error }))
      }
      if (every > 0 && !over.signal.aborted) timer ??= setTimeout(read, every)
    }
    set({ values: null, more: false, error: null })
    void read()
    const stop = concerns && onArrivals(arrivals => {
      if (arrivals.many > 0 || arrivals.entries.some(concerns)) timer ??= setTimeout(read, 1000)
    })
    return () => {
      over.abort()
      clearTimeout(timer)
      stop?.()
    }
  }, [key, limit, every])
  return state
}

async function first<T>(path: string, params: Params, limit: number, signal: AbortSignal): Promise<{ values: T[], more: boolean }> {
  const values: T[] = []
  for await (const value of lines<T>(path, params, signal)) {
    if (values.length === limit) return { values, more: true }
    values.push(value)
  }
  return { values, more: false }
}
