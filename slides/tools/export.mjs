// Makes the files of slides/exports: PDF with and without clicks, PPTX, PNG, and a handout of notes.
//
//     TALK=45 RANGE=1,8-12 OUT=exports node tools/export.mjs [pdf] [clicks] [pptx] [png] [handout]
//
// Slidev makes a PDF of all slides, whatever RANGE says, and a PPTX of every click.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseRangeString } from '@slidev/parser/core'
import MarkdownIt from 'markdown-it'
import { chromium } from 'playwright-chromium'
import { findChromium, FLAGS, MISSING } from './chromium.mjs'
import { read } from './deck.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const EXPORTS = resolve(ROOT, process.env.OUT || 'exports')
const RANGE = process.env.RANGE ? ['--range', process.env.RANGE] : []
const SLIDEV = join(ROOT, 'node_modules', '.bin', 'slidev')
const FORMATS = {
  pdf: ['--format', 'pdf', '--output', join(EXPORTS, 'slides.pdf')],
  clicks: ['--format', 'pdf', '--with-clicks', '--output', join(EXPORTS, 'slides-clicks.pdf')],
  pptx: ['--format', 'pptx', '--output', join(EXPORTS, 'slides.pptx')],
  png: ['--format', 'png', '--output', join(EXPORTS, 'png')],
}

// Slidev counts the slides once the network is still, which a busy machine may be before they are drawn: then it
// exports none, and says nothing.
const SETTLED = ['--wait', '1000']
const TRIES = 3
const HAS_SLIDES = {
  pptx: () => readFileSync(join(EXPORTS, 'slides.pptx'), 'latin1').includes('ppt/slides/slide1.xml'),
  png: () => readdirSync(join(EXPORTS, 'png')).length > 0,
}

const executablePath = findChromium()
if (!executablePath) {
  console.error(`✗ ${MISSING}`)
  process.exit(3)
}

function slidev(name) {
  const options = ['export', 'slides.md', ...FORMATS[name], ...RANGE, ...SETTLED, '--executable-path', executablePath, '--timeout', '120000']
  const child = spawn(SLIDEV, options, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (text) => said += text)
  child.stderr.on('data', (text) => said += text)
  return new Promise((resolve, reject) => child.on('close', (status) => {
    if (status)
      reject(new Error(`${name}: ${said}`))
    else
      resolve()
  }))
}

async function exported(name) {
  const hasSlides = HAS_SLIDES[name] ?? (() => true)
  for (let tries = 0; tries < TRIES; tries++) {
    await slidev(name)
    if (hasSlides())
      return
  }
  throw new Error(`${name}: Slidev exported no slide, ${TRIES} times over`)
}

async function handout() {
  const markdown = new MarkdownIt({ linkify: false })
  const { slides } = await read()
  const numbers = parseRangeString(slides.length, process.env.RANGE)
  const names = readdirSync(join(EXPORTS, 'png')).sort((one, other) => Number.parseInt(one) - Number.parseInt(other))
  const parts = numbers.map((number, place) => {
    const picture = readFileSync(join(EXPORTS, 'png', names[place])).toString('base64')
    return `<section><img src="data:image/png;base64,${picture}" alt=""><div><h2>${number}</h2>${markdown.render(slides[number - 1].note)}</div></section>`
  })
  const style = `
    body { font: 10.5pt/1.4 Inter, sans-serif; margin: 0; }
    section { break-inside: avoid; display: grid; grid-template-columns: 42% 1fr; gap: 6mm; padding: 4mm 0; border-bottom: 0.3mm solid #ccc; }
    img { width: 100%; border: 0.3mm solid #ccc; } h2 { margin: 0; font-size: 11pt; color: #0b63b0; } p { margin: 1.5mm 0; }`
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  try {
    const page = await browser.newPage()
    await page.setContent(`<!doctype html><html lang="en"><title>Handout</title><style>${style}</style>${parts.join('')}`)
    const margin = { top: '14mm', bottom: '14mm', left: '14mm', right: '14mm' }
    await page.pdf({ path: join(EXPORTS, 'handout.pdf'), format: 'A4', margin, printBackground: true })
  }
  finally {
    await browser.close()
  }
}

const wanted = process.argv.slice(2).length ? process.argv.slice(2) : [...Object.keys(FORMATS), 'handout']
mkdirSync(EXPORTS, { recursive: true })
if (wanted.includes('png'))
  rmSync(join(EXPORTS, 'png'), { recursive: true, force: true })
for (const name of wanted) {
  if (name === 'handout')
    await handout()
  else
    await exported(name)
  console.log(`· ${relative(ROOT, EXPORTS)}: ${name}`)
}
process.exit(0)
