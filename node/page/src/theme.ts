import { effect, signal } from '@preact/signals'

// Theme is 'light' or 'dark'; the chosen one is kept in localStorage, without a choice it is the system's.
export type Theme = 'light' | 'dark'

const system = matchMedia('(prefers-color-scheme: dark)')
const stored = 'quipu.theme'

export const theme = signal<Theme>(chosen() ?? (system.matches ? 'dark' : 'light'))

// still says that the reader wants nothing to move.
const motion = matchMedia('(prefers-reduced-motion: reduce)')
export const still = signal(motion.matches)

system.addEventListener('change', () => { if (!chosen()) theme.value = system.matches ? 'dark' : 'light' })
motion.addEventListener('change', () => { still.value = motion.matches })
effect(() => { document.documentElement.dataset.theme = theme.value })

export function choose(value: Theme): void {
  theme.value = value
  try {
    localStorage.setItem(stored, value)
  } catch {
    // Where nothing is kept the choice holds until the page is loaded again.
  }
}

function chosen(): Theme | null {
  try {
    const value = localStorage.getItem(stored)
    return value === 'light' || value === 'dark' ? value : null
  } catch {
    return null
  }
}
