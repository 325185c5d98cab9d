import { useEffect } from 'preact/hooks'

// least is how high the picture is at least, in pixels, however little the window leaves for it.
const least = 280

// left is the height that a picture has which begins at a height of the page, and below which so much is to be seen as well.
export const left = (window: number, top: number, below: number): number => Math.max(least, Math.floor(window - top - below))

// useHeight gives the picture the height that is left of the window, so that nothing of it, or of what stands around it, has to be scrolled to.
export function useHeight(box: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const own = box.current!
    const fit = () => {
      const top = own.getBoundingClientRect().top + window.scrollY
      const under = own.nextElementSibling
      const gap = parseFloat(getComputedStyle(own.parentElement!).rowGap) || 0
      own.style.height = `${left(window.innerHeight, top, under ? under.getBoundingClientRect().height + 2 * gap : 0)}px`
    }
    fit()
    window.addEventListener('resize', fit)
    const size = new ResizeObserver(fit)
    for (const e of [own.closest('.room'), own.nextElementSibling, document.querySelector('header')]) if (e) size.observe(e)
    return () => {
      window.removeEventListener('resize', fit)
      size.disconnect()
    }
  }, [])
}
