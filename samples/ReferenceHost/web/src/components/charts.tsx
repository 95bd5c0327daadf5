import { useState } from 'preact/hooks';
import { formatTime, unknown } from '../format';

type Point = readonly [at: number, value: number | undefined];

/** Runs of known values; a gap stays a gap. */
function lines(points: readonly Point[], x: (at: number) => number, y: (value: number) => number): string[] {
  const runs: string[] = [];
  let run: string[] = [];
  const flush = () => {
    if (run.length > 0) {
      runs.push(run.length === 1 ? `${run[0]} ${run[0]}` : run.join(' '));
    }
    run = [];
  };
  for (const [at, value] of points) {
    if (value === undefined) {
      flush();
    } else {
      run.push(`${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    }
  }
  flush();
  return runs;
}

const area = (run: string, bottom: number): string => {
  const points = run.split(' ');
  return `${points[0]!.split(',')[0]},${bottom} ${run} ${points[points.length - 1]!.split(',')[0]},${bottom}`;
};

/** What is drawn while there is less than the whole span: what there is, but not less than twenty seconds. */
const drawnSpan = (spanMs: number, first: number, last: number): number => Math.min(spanMs, Math.max(leastSpanMs, last - first));

const leastSpanMs = 20_000;

/** The last two minutes in the size of a word. */
export function Sparkline({ points, max, label, tone = 'a', width = 72, height = 20 }: {
  points: readonly Point[]; max?: number; label: string; tone?: string; width?: number; height?: number;
}) {
  const last = points[points.length - 1]?.[0] ?? 0;
  const spanMs = drawnSpan(120_000, points[0]?.[0] ?? last, last);
  const shown = points.filter(([at]) => at >= last - spanMs);
  const top = max ?? Math.max(1, ...shown.map(([, value]) => value ?? 0));
  const x = (at: number) => width - ((last - at) / spanMs) * width;
  const y = (value: number) => height - 1.5 - (Math.min(value, top) / top) * (height - 3);
  const runs = lines(shown, x, y);
  return (
    <svg class={`spark ${runs.length === 0 ? 'empty' : ''} series-${tone}`} width={width} height={height} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {runs.map((run) => <polygon key={run} points={area(run, height)} class="fill" />)}
      {runs.map((run) => <polyline key={`l${run}`} points={run} class="line" />)}
    </svg>
  );
}

export interface ChartSeries {
  name: string;
  tone: string;
  points: readonly Point[];
}

const width = 560;
const height = 126;
const left = 72;
const bottom = 20;

/** A chart over the last `spanMs`, with the values under the pointer. */
export function Chart({ title, series, format, max, spanMs: wantedMs, unavailable }: {
  title: string; series: readonly ChartSeries[]; format: (value: number | undefined) => string; max?: number; spanMs: number; unavailable?: string | undefined;
}) {
  const [pointer, setPointer] = useState<number | undefined>(undefined);
  const all = series.flatMap((line) => line.points);
  const last = Math.max(0, ...all.map(([at]) => at));
  const spanMs = drawnSpan(wantedMs, Math.min(last, ...all.map(([at]) => at)), last);
  const known = all.filter(([at, value]) => value !== undefined && at >= last - spanMs);
  const top = max ?? niceTop(Math.max(0, ...known.map(([, value]) => value ?? 0)));
  const x = (at: number) => width - ((last - at) / spanMs) * (width - left);
  const y = (value: number) => 6 + (1 - Math.min(value, top) / top) * (height - bottom - 6);
  const at = pointer === undefined ? last : last - ((width - pointer) / (width - left)) * spanMs;

  const move = (event: PointerEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    setPointer(Math.max(left, ((event.clientX - box.left) / box.width) * width));
  };
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {series.map((line) => (
          <span key={line.name} class={`legend series-${line.tone}`}><i aria-hidden="true" />{line.name} <b>{format(nearest(line.points, at))}</b></span>
        ))}
      </figcaption>
      {known.length === 0 ? (
        <p class="chart-none">{unavailable ?? 'The first reading comes in a moment.'}</p>
      ) : (
        <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${title}: ${series.map((line) => `${line.name} ${format(nearest(line.points, last))}`).join(', ')}`}
          onPointerMove={move} onPointerLeave={() => setPointer(undefined)}>
          {[0, 0.5, 1].map((part) => (
            <g key={part}>
              <line class="grid" x1={left} x2={width} y1={y(top * part)} y2={y(top * part)} />
              <text x={left - 8} y={y(top * part) + 4} text-anchor="end">{format(top * part)}</text>
            </g>
          ))}
          {[0, 0.25, 0.5, 0.75].map((part) => (
            <text key={part} x={left + (width - left) * part} y={height - 4} text-anchor={part === 0 ? 'start' : 'middle'}>{formatTime(new Date(last - spanMs * (1 - part)).toISOString())}</text>
          ))}
          {series.map((line) => (
            <g key={line.name} class={`series-${line.tone}`}>
              {lines(line.points.filter(([when]) => when >= last - spanMs), x, y).map((run) => <g key={run}><polygon class="fill" points={area(run, y(0))} /><polyline class="line" points={run} /></g>)}
            </g>
          ))}
          {pointer !== undefined && <line class="pointer" x1={pointer} x2={pointer} y1={6} y2={y(0)} />}
        </svg>
      )}
      {pointer !== undefined && <span class="chart-at">{last === 0 ? unknown : formatTime(new Date(at).toISOString())}</span>}
    </figure>
  );
}

/** The next power of two with room above the highest value. */
export function niceTop(value: number): number {
  if (value <= 0) {
    return 1024;
  }
  return 2 ** Math.ceil(Math.log2(value * 1.1));
}

function nearest(points: readonly Point[], at: number): number | undefined {
  let best: Point | undefined;
  for (const point of points) {
    if (!best || Math.abs(point[0] - at) < Math.abs(best[0] - at)) {
      best = point;
    }
  }
  return best?.[1];
}
