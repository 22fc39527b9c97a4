// Asks the lab that `workshop up` runs, as AWS would be asked: CloudWatch Logs, CloudWatch, X-Ray.
// The lab answers the deck's own origin only (workshop/endpoint/http.py): `make slides` serves it.
import type { Part, Row } from './recording'

const PORT = 4590
const DECK_PORT = '3030' // of `make slides`: the one page that the lab lets in
const PATIENCE_MS = 2500
const MINUTES = 15
const LOG_GROUP = '/aws/lambda/payments'
const MOST_ROWS = 6

const JSON_1_1 = 'application/x-amz-json-1.1'
const JSON_1_0 = 'application/x-amz-json-1.0'

type Answer = Record<string, any>
export type Question = 'invocations' | 'percentiles' | 'trace'

/** What the lab, where there is one, says instead of an answer: for the reader of the slide. */
export class Refusal extends Error {}

/** Where the lab listens: its first port, or the one that the deck's address names: `?lab=4591`. */
function port(): number {
  const named = Number(new URLSearchParams(location.search).get('lab'))
  return Number.isInteger(named) && named > 0 && named < 65536 ? named : PORT
}

async function ask(path: string, type: string, target: string, given: object): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${port()}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': type, ...(target ? { 'X-Amz-Target': target } : {}) },
    body: JSON.stringify(given),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  const said = await answer.json()
  if (!answer.ok)
    throw new Refusal(said.message ?? said.Message ?? `the lab answers ${answer.status}`)
  return said
}

function row(some: Partial<Row>): Row {
  return some as Row
}

function hasFailed(said: Answer): boolean {
  return said.level === 'ERROR'
}

/** Why nothing was heard, and what to do about it. */
export function silence(): string {
  const elsewhere = location.port === DECK_PORT ? '' : `, and the deck at port ${DECK_PORT}: make slides`
  return `no lab answers at port ${port()}: workshop up${elsewhere}`
}

/** The last invocations: what each of them logged last. The last failure is among them, however old. */
async function invocations(): Promise<Part[]> {
  const found = await ask('/', JSON_1_1, 'Logs_20140328.FilterLogEvents', {
    logGroupName: LOG_GROUP,
    filterPattern: '{ $.level = "*" && $.message = "*" }',
    startTime: Date.now() - MINUTES * 60_000,
    limit: 10_000,
  })
  const last = new Map<string, Answer>()
  for (const event of found.events) {
    const said = JSON.parse(event.message)
    const request = said.function_request_id ?? said.payment_id ?? event.eventId
    last.delete(request)
    last.set(request, { ...said, at: event.timestamp })
  }
  const all = [...last.values()].reverse()
  const failure = all.findIndex(hasFailed)
  const shown = all.slice(0, failure < MOST_ROWS ? MOST_ROWS : MOST_ROWS - 1)
  if (failure >= MOST_ROWS)
    shown.push(all[failure])
  const rows = shown.map((said) => row({
    cells: [
      new Date(said.at).toLocaleTimeString('en-GB'), said.level, said.message,
      said.payment_id ?? '', said.customer_id ?? '',
    ],
    tone: hasFailed(said) ? 'bad' : '',
  }))
  return [{ kind: 'table', columns: ['time', 'level', 'message', 'payment_id', 'customer_id'], rows, total: 0 }]
}

/** The average of a latency beside its percentiles. */
async function percentiles(): Promise<Part[]> {
  const statistics = ['Average', 'p50', 'p90', 'p99']
  const now = Math.ceil(Date.now() / 1000 / 60) * 60
  const found = await ask('/', JSON_1_0, 'GraniteServiceVersion20100801.GetMetricData', {
    StartTime: now - MINUTES * 60,
    EndTime: now,
    MetricDataQueries: statistics.map((Stat) => ({
      Id: Stat.toLowerCase(),
      MetricStat: {
        Metric: {
          Namespace: 'Workshop',
          MetricName: 'ChargeDuration',
          Dimensions: [{ Name: 'service', Value: 'payments' }],
        },
        Period: MINUTES * 60,
        Stat,
      },
    })),
  })
  const rows = statistics.flatMap((Stat) => {
    const result = found.MetricDataResults.find((one: Answer) => one.Id === Stat.toLowerCase())
    const value = result?.Values[0]
    return value === undefined ? [] : [row({
      label: Stat,
      value: Number(value.toFixed(1)),
      tone: Stat === 'p99' ? 'bad' : Stat === 'Average' ? 'quiet' : '',
    })]
  })
  return [{ kind: 'bars', title: `ChargeDuration, the last ${MINUTES} minutes`, unit: 'ms', rows, total: 0 }]
}

/** The slowest of the newest traces, as a waterfall: a page of them, as many as the lab gives at once. */
async function trace(): Promise<Part[]> {
  const now = Date.now() / 1000
  const found = await ask('/TraceSummaries', 'application/json', '', {
    StartTime: now - MINUTES * 60, EndTime: now,
  })
  const summaries: Answer[] = found.TraceSummaries
  if (!summaries.length)
    return [{ kind: 'waterfall', rows: [], total: 0, columns: [] }]
  const slowest = summaries.reduce((one, other) => other.Duration > one.Duration ? other : one)
  const whole = await ask('/Traces', 'application/json', '', { TraceIds: [slowest.Id] })
  const documents = whole.Traces[0].Segments.map((one: Answer) => JSON.parse(one.Document))
  documents.sort((one: Answer, other: Answer) => one.start_time - other.start_time)
  const began = documents[0].start_time
  const rows: Row[] = []
  const walk = (span: Answer, depth: number) => {
    const ms = (at: number) => Number(((at - began) * 1000).toFixed(1))
    rows.push(row({
      label: span.name.replace(/^## /, ''),
      depth,
      start: ms(span.start_time),
      end: ms(span.end_time ?? span.start_time),
      tone: span.error || span.fault ? 'bad' : '',
    }))
    for (const one of span.subsegments ?? [])
      walk(one, depth + 1)
  }
  documents.forEach((one: Answer, place: number) => walk(one, Math.min(place, 1)))
  const total = Math.max(...rows.map((one) => one.end))
  const title = `The slowest of the newest ${summaries.length} traces: ${slowest.Id}`
  return [{ kind: 'waterfall', title, unit: 'ms', total, columns: [], rows }]
}

const ANSWERS = { invocations, percentiles, trace }

/** What the running lab says; an error when there is none, or it has nothing to tell yet. */
export async function askLab(question: Question): Promise<Part[]> {
  const parts = await ANSWERS[question]()
  if (!parts[0].rows.length)
    throw new Refusal(`the lab has nothing of the last ${MINUTES} minutes: workshop traffic`)
  return parts
}
