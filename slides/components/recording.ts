// The shape of slides/recorded/NN.json, which slides/record.py writes.
export interface Row {
  text: string
  tone: string
  cells: string[]
  label: string
  depth?: number
  value: number
  start: number
  end: number
}

export interface Part {
  kind: 'lines' | 'table' | 'bars' | 'waterfall'
  title?: string
  unit?: string
  total: number
  columns: string[]
  rows: Row[]
}

export interface Recording {
  step: string
  reveals: string
  parts: Part[]
}

const recordings = import.meta.glob<Recording>('../recorded/*.json', { eager: true, import: 'default' })

export function recordingOf(step: string): Recording {
  return recordings[`../recorded/${step}.json`]
}
