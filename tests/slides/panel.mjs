// Asks the lab on the three slides that can, and prints what they show before and after, and what the
// audience's window shows when the presenter's has asked. JSON.
//
//     node panel.mjs CHROMIUM ADDRESS STEP:SLIDE...
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SLIDES = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'slides')
const { chromium } = createRequire(join(SLIDES, 'package.json'))('playwright-chromium')
const [executablePath, address, ...slides] = process.argv.slice(2)

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
const windows = await browser.newContext({ viewport: { width: 980, height: 552 }, reducedMotion: 'reduce' })
const audience = await windows.newPage()
const page = await windows.newPage()
const asked = []
page.on('request', (request) => {
  if (!request.url().startsWith(address.split('?')[0]))
    asked.push(`${request.method()} ${new URL(request.url()).pathname}`)
})
const met = {}
for (const one of slides) {
  const [step, no] = one.split(':')
  await audience.goto('about:blank')
  await audience.goto(`${address}#/${no}`)
  const seen = audience.locator(`#slide-content [data-slidev-no="${no}"]`)
  await seen.getByRole('button', { name: 'Ask the lab' }).waitFor()
  await page.goto('about:blank')
  await page.goto(`${address}#/${no}`)
  const slide = page.locator(`#slide-content [data-slidev-no="${no}"]`)
  const button = slide.getByRole('button', { name: 'Ask the lab' })
  await button.waitFor()
  const before = await slide.innerText()
  const early = asked.splice(0)
  await button.focus()
  await page.keyboard.press('Enter')
  await slide.getByRole('status').filter({ hasText: '·' }).waitFor({ timeout: 10_000 })
  await seen.getByRole('status').filter({ hasText: '·' }).waitFor({ timeout: 10_000 }).catch(() => {})
  met[step] = {
    before,
    early,
    after: await slide.innerText(),
    asked: asked.splice(0),
    audience: await seen.getByRole('status').innerText(),
    place: page.url().split('#')[1],
    overflow: await slide.locator('.slidev-layout').evaluate((layout) => layout.scrollHeight - layout.clientHeight),
  }
}
await browser.close()
console.log(JSON.stringify(met))
