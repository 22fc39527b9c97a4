// Finds a Chromium that is there already. Run by itself it prints its path, or says what to install.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

function runs(path) {
  try {
    accessSync(path, constants.X_OK)
    return existsSync(path)
  }
  catch {
    return false
  }
}

export function findChromium() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const named = process.env.CHROMIUM ? [process.env.CHROMIUM] : []
  const paths = [...named, ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...ELSEWHERE]
  return paths.find(runs)
}

export const MISSING = [
  'Chromium or Chrome is not here: exports and the tests of the slides want one',
  '  Debian and Ubuntu: apt install chromium   macOS: brew install --cask chromium',
  '  or name one: CHROMIUM=/path/to/chrome',
].join('\n')

export const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = findChromium()
  if (found)
    console.log(found)
  else
    console.error(MISSING)
  process.exitCode = found ? 0 : 3
}
