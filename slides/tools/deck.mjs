// Prints what a deck consists of, as Slidev itself reads it: slides, notes, files, complaints. JSON.
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { injectPreparserExtensionLoader, load } from '@slidev/parser/fs'
import { only } from './talk.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

export async function read(talk = process.env.TALK) {
  injectPreparserExtensionLoader(async () => [only(talk)])
  const roots = { userRoot: ROOT, roots: [ROOT] }
  const deck = await load(roots, join(ROOT, 'slides.md'))
  return {
    files: Object.fromEntries(Object.entries(deck.markdownFiles).map(
      ([path, file]) => [relative(ROOT, path), (file.errors ?? []).map((one) => one.message)],
    )),
    slides: deck.slides.map((slide) => ({
      file: relative(ROOT, slide.source.filepath),
      title: slide.title ?? '',
      layout: slide.frontmatter.layout ?? '',
      frontmatter: slide.frontmatter,
      content: slide.content,
      note: slide.note ?? '',
    })),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await read()))
