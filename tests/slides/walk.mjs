// Walks through a built deck in a real browser, and prints as JSON what it met.
//
//     node walk.mjs CHROMIUM ADDRESS SLIDES
//
// Four tours, side by side: by keyboard through every state; the whole of each slide in the light, in
// the dark, and on a phone held upright.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SLIDES = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'slides')
const require = createRequire(join(SLIDES, 'package.json'))
const { chromium } = require('playwright-chromium')
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

const [executablePath, address, count] = process.argv.slice(2)
const total = Number(count)
const SETTLE_MS = 1500
const PATIENCE_MS = 20_000 // for a machine that has much else to do
const DESK = { viewport: { width: 980, height: 552 } }
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }
const AT_ONCE = 2

const met = { states: [], light: [], dark: [], phone: [], troubles: [], bytes: 0, first: 0, page: [] }
/** What each page has asked for and not yet been given: a slide's clicks are there when its parts are. */
const loading = new WeakMap()
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
})

async function open(kind, colorScheme) {
  const context = await browser.newContext({ ...kind, colorScheme, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const under_way = loading.set(page, new Set()).get(page)
  page.on('request', (request) => under_way.add(request))
  page.on('requestfinished', (request) => under_way.delete(request))
  page.on('requestfailed', (request) => under_way.delete(request))
  const trouble = (what) => met.troubles.push(`${page.url().split('#')[1] ?? ''}: ${what}`)
  page.on('console', (message) => message.type() === 'error' && trouble(message.text()))
  page.on('pageerror', (error) => trouble(error.message))
  page.on('requestfailed', (request) => {
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') // by a tour that ended meanwhile
      trouble(`failed: ${request.url()}`)
  })
  page.on('response', (response) => response.status() >= 400 && trouble(`${response.status()}: ${response.url()}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:') && !request.url().startsWith('blob:'))
      trouble(`foreign: ${request.url()}`)
  })
  return page
}

/** Wait until the slide is there and nothing moves any more. */
async function settle(page, no) {
  await page.waitForFunction((wanted) => {
    const slide = document.querySelector(`#slide-content [data-slidev-no="${wanted}"]`)
    return slide && slide.offsetParent !== null && slide.querySelector('.slidev-layout, .grid')
  }, no, { timeout: PATIENCE_MS })
  const idle = () => page.evaluate((patience) =>
    new Promise((done) => requestIdleCallback(done, { timeout: patience })), PATIENCE_MS)
  const over = Date.now() + PATIENCE_MS
  do
    await idle() // what has come is mounted, and has asked for what it needs
  while (loading.get(page).size && Date.now() < over)
  await page.evaluate(async (patience) => {
    const frame = () => new Promise(requestAnimationFrame)
    await frame()
    await frame()
    const over = Date.now() + patience
    const moving = () => document.getAnimations().filter((one) => one.playState === 'running')
    while (moving().length && Date.now() < over)
      await frame()
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})))
    await document.fonts.ready
  }, SETTLE_MS)
}

/** What is wrong with how a slide is laid out, and how small its smallest text is. */
function measured(page, no) {
  return page.evaluate((wanted) => {
    const slide = document.querySelector(`#slide-content [data-slidev-no="${wanted}"]`)
    const wrong = []
    for (const layout of slide.querySelectorAll('.slidev-layout')) {
      if (layout.scrollHeight > layout.clientHeight + 1)
        wrong.push(`overflows by ${layout.scrollHeight - layout.clientHeight} px downwards`)
      if (layout.scrollWidth > layout.clientWidth + 1)
        wrong.push(`overflows by ${layout.scrollWidth - layout.clientWidth} px sideways`)
    }
    for (const code of slide.querySelectorAll('.slidev-code')) {
      if (code.scrollWidth > code.clientWidth + 1)
        wrong.push(`code is cut by ${code.scrollWidth - code.clientWidth} px`)
    }
    for (const part of slide.querySelectorAll('.part')) {
      if (part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX !== 'auto')
        wrong.push('a recording is cut')
    }
    for (const image of slide.querySelectorAll('img')) {
      if (!image.complete || !image.naturalWidth)
        wrong.push(`no picture: ${image.src}`)
      if (!image.alt)
        wrong.push(`no alternative text: ${image.src}`)
    }
    let smallest = 1000
    const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const holder = texts.currentNode.parentElement
      if (!texts.currentNode.textContent.trim() || !holder.checkVisibility() || ['STYLE', 'SUP'].includes(holder.tagName))
        continue
      const scale = holder.getBoundingClientRect().width / (holder.offsetWidth || Infinity) || 1
      smallest = Math.min(smallest, Number.parseFloat(getComputedStyle(holder).fontSize) * scale)
    }
    const shown = slide.innerText
    return { wrong, smallest: Math.round(smallest * 10) / 10, shown: shown.length }
  }, no)
}

async function axe(page, target) {
  if (!await page.evaluate(() => 'axe' in window))
    await page.addScriptTag({ content: AXE })
  const found = await page.evaluate((include) => window.axe.run(
    include ? { include, exclude: ['svg.pointer-events-none.absolute'] } : document,
    include ? { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] } : { runOnly: { type: 'rule', values: ['document-title', 'html-has-lang', 'html-lang-valid', 'meta-viewport'] } },
  ), target)
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')}: ${node.any[0]?.message ?? node.html.slice(0, 200)}`))
}

async function goto(page, no) {
  const there = `#/${no}?clicks=99999`
  if (page.url() === 'about:blank')
    await page.goto(address + there)
  else
    await page.evaluate((hash) => location.hash = hash, there)
  await settle(page, no)
}

/** By keyboard alone, from the first of some slides until the first of the others. */
async function keyboard(from, until) {
  const page = await open(DESK, 'light')
  await page.goto(`${address}#/${from}`)
  let [no, clicks] = [from, 0]
  while (no < until) {
    await settle(page, no)
    met.states.push({ no, clicks, ...await measured(page, no) })
    const before = page.url()
    await page.keyboard.press('ArrowRight')
    try {
      await page.waitForFunction((old) => location.href !== old, before, { timeout: PATIENCE_MS, polling: 15 })
    }
    catch {
      break
    }
    const place = page.url().split('#/')[1]
    no = Number.parseInt(place)
    clicks = Number(new URLSearchParams(place.split('?')[1] ?? '').get('clicks') ?? 0)
  }
  await page.context().close()
}

async function whole(kind, scheme, into, numbers) {
  const page = await open(kind, scheme)
  for (const no of numbers) {
    await goto(page, no)
    const found = await measured(page, no)
    met[into].push({ no, ...found, axe: await axe(page, [`#slide-content [data-slidev-no="${no}"]`]) })
  }
  await page.context().close()
}

async function first() {
  const page = await open(DESK, 'light')
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  session.on('Network.loadingFinished', (event) => met.bytes += event.encodedDataLength)
  const begun = Date.now()
  await page.goto(address)
  await settle(page, 1)
  met.first = Date.now() - begun
  met.page = await axe(page)
  for (let no = 2; no <= total; no++) {
    await page.evaluate((wanted) => location.hash = `#/${wanted}`, no)
    await settle(page, no)
  }
  for (const other of ['presenter/1', 'overview', 'notes']) { // nothing foreign there either
    await page.goto('about:blank')
    await page.goto(`${address}#/${other}`)
    await page.waitForLoadState('networkidle')
  }
  await page.context().close()
}

const every = Array.from({ length: total }, (_, place) => place + 1)
const jobs = [first]
const chunk = Math.ceil(total / 4)
for (let from = 1; from <= total; from += chunk)
  jobs.push(() => keyboard(from, Math.min(from + chunk, total + 1)))
for (const half of [every.filter((no) => no % 2), every.filter((no) => !(no % 2))]) {
  jobs.push(() => whole(DESK, 'light', 'light', half))
  jobs.push(() => whole(DESK, 'dark', 'dark', half))
  jobs.push(() => whole(PHONE, 'light', 'phone', half))
}
await jobs.shift()()
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
  while (jobs.length)
    await jobs.shift()()
}))
await browser.close()
met.states.sort((one, other) => one.no - other.no || one.clicks - other.clicks)
console.log(JSON.stringify(met))
