import { createHash } from 'node:crypto'
import { defineConfig, type Plugin } from 'vite'
import { browsers } from './browsers.ts'

// offline.html is one file that works with no node at all: its script and its style stand in it, and its policy, in a
// meta element, allows exactly these two by their hashes, and no connection.
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [oneFile()],
  build: {
    target: browsers, cssTarget: browsers, emptyOutDir: false, modulePreload: false, cssCodeSplit: false,
    rolldownOptions: { input: 'offline.html', output: { codeSplitting: false } },
  },
})

function oneFile(): Plugin {
  return {
    name: 'one-file',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const page = bundle['offline.html']
      if (page?.type !== 'asset') throw new Error('one-file: the build has no offline.html')
      let script = '', style = ''
      for (const [name, file] of Object.entries(bundle)) {
        if (file === page) continue
        if (file.type === 'chunk') script += file.code
        else if (name.endsWith('.css')) style += text(file.source)
        else throw new Error(`one-file: ${name} is neither script nor style, and can stand in no page`)
        delete bundle[name]
      }
      // Where the text of a program has "</script", the element would end: in a string or a pattern "<\/script" says the same.
      script = script.replaceAll('</script', '<\\/script')
      const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; connect-src 'none'; base-uri 'none'; form-action 'none'`
      page.source = text(page.source)
        .replace(/\s*<script[^>]*src=[^>]*><\/script>/g, '')
        .replace(/\s*<link[^>]*rel="stylesheet"[^>]*>/g, '')
        .replace('<meta charset="utf-8">', () => `<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="${policy}">`)
        .replace('</head>', () => `<style>${style}</style>\n</head>`)
        .replace('</body>', () => `<script type="module">${script}</script>\n</body>`)
    },
  }
}

function text(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}

function hash(source: string): string {
  return `'sha256-${createHash('sha256').update(source).digest('base64')}'`
}
