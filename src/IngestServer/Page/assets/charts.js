import uPlot from "./uplot/uPlot.esm.js";
import { brief, duration } from "./format.js";

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const alive = new Set();
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", () => alive.forEach(chart => chart.redrawAnew()));

function axes(format, incrs) {
  const shared = () => ({
    stroke: () => colour("--muted"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { stroke: () => colour("--line"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
  });
  return [
    { ...shared(), space: 90, size: 32, values: (plot, splits) => timeLabels(splits, plot.scales.x) },
    { ...shared(), size: 60, space: 32, incrs, values: (plot, splits) => splits.map(format) },
  ];
}

// By what the axis spans, also where a narrow one has room for a single label.
function timeLabels(splits, { min, max }) {
  const span = max - min;
  const format = new Intl.DateTimeFormat(undefined, span > 300 * 86400 ? { month: "short", year: "numeric" } : span > 2 * 86400 ? { day: "numeric", month: "short" }
    : span < 900 ? { hour: "numeric", minute: "2-digit", second: "2-digit" } : { hour: "numeric", minute: "2-digit" });
  return splits.map(split => format.format(new Date(split * 1000)));
}

// Holds a plot that follows the size of its place and the colours of the system.
function hold(place, options, data) {
  let plot = null;
  let values = data;
  const size = () => ({ width: Math.max(200, place.clientWidth), height: Math.max(120, place.clientHeight) });
  const make = () => { plot?.destroy(); plot = new uPlot({ ...size(), ...options() }, values, place); };
  const holder = {
    set(next) { values = next; plot ? plot.setData(next) : make(); },
    redrawAnew: make,
    destroy() { observer.disconnect(); alive.delete(holder); plot?.destroy(); },
  };
  const observer = new ResizeObserver(() => { if (place.clientWidth > 0) plot ? plot.setSize(size()) : make(); });
  observer.observe(place);
  alive.add(holder);
  return holder;
}

// Where nothing is known there is no line, so that a value between two gaps is a point.
const alone = values => values.flatMap((value, at) => value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []);

// One or two lines over time, from zero. The second is dashed: colour alone tells nothing apart.
export function lines(place, names, unit, data) {
  const isWhole = unit === "whole";
  const format = unit === "seconds" ? value => duration(value) : value => brief(value);
  return hold(place, () => ({
    legend: { show: false }, cursor: { show: false }, padding: [8, 28, 0, 0],
    scales: { x: { time: true, range: (plot, first, last) => last - first >= 60 ? [first, last] : [(last ?? Date.now() / 1000) - 3600, last ?? Date.now() / 1000] }, y: { range: (plot, low, high) => [0, Math.max(high ?? 0, unit === "seconds" ? .05 : 1) * 1.1] } },
    axes: axes(format, isWhole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8] : undefined),
    series: [{}, ...names.map((name, index) => ({
      label: name, stroke: () => colour(index === 0 ? "--one" : "--two"), width: 2, dash: index === 0 ? undefined : [5, 3], points: { show: false, size: 5, filter: (plot, at) => alone(plot.data[at]) },
      fill: index === 0 ? () => colour("--band") : undefined, spanGaps: false,
    }))],
  }), data);
}

// Amounts over time, the band of what is usual, and the one that this is about.
export function amounts(place, data, band, mark) {
  const values = data[1].filter(value => value !== null);
  const all = [...values, mark.y, ...(band ? [band.low, band.high] : [])];
  const [low, high] = [Math.min(0, ...all), Math.max(...all)];
  const room = (high - low || 1) * .08;
  return hold(place, () => ({
    legend: { show: false }, cursor: { show: false }, padding: [12, 16, 0, 0],
    scales: { x: { time: true, range: (plot, first, last) => first === last ? [first - 43200, last + 43200] : [first - (last - first) * .03, last + (last - first) * .03] },
      y: { range: () => [low < 0 ? low - room : 0, high + room] } },
    axes: axes(value => brief(value)),
    series: [{}, { paths: () => null, points: { show: true, size: 7, stroke: () => colour("--one"), fill: () => colour("--surface"), width: 1.5 } }],
    hooks: {
      drawClear: [plot => {
        if (!band) return;
        const { ctx, bbox } = plot;
        const [top, bottom] = [plot.valToPos(band.high, "y", true), plot.valToPos(band.low, "y", true)];
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        ctx.fillStyle = colour("--band");
        ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
        ctx.strokeStyle = colour("--one");
        ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
        ctx.beginPath();
        const typical = plot.valToPos(band.typical, "y", true);
        ctx.moveTo(bbox.left, typical);
        ctx.lineTo(bbox.left + bbox.width, typical);
        ctx.stroke();
        ctx.restore();
      }],
      draw: [plot => {
        const { ctx } = plot;
        const [x, y, size] = [plot.valToPos(mark.x, "x", true), plot.valToPos(mark.y, "y", true), 7 * devicePixelRatio];
        ctx.save();
        ctx.fillStyle = colour("--bad");
        ctx.strokeStyle = colour("--surface");
        ctx.lineWidth = 2 * devicePixelRatio;
        ctx.beginPath();
        ctx.moveTo(x, y - size); ctx.lineTo(x + size, y); ctx.lineTo(x, y + size); ctx.lineTo(x - size, y); ctx.closePath();
        ctx.fill();
        ctx.stroke();
        ctx.restore();
      }],
    },
  }), data);
}

// Two bars a month: filled for this one, outlined for the same month a year before. Shape, not colour alone, tells them apart.
export function bars(place, names, now, then) {
  const { bars: paths } = uPlot.paths;
  return hold(place, () => ({
    legend: { show: false }, cursor: { show: false }, padding: [12, 16, 0, 0],
    scales: { x: { time: false, range: [-.7, names.length - .3] }, y: { range: (plot, low, high) => [Math.min(0, low ?? 0) * 1.08, Math.max(high ?? 0, 1) * 1.12] } },
    hooks: { draw: [plot => figures(plot, now)] },
    axes: axes(value => brief(value)).map((axis, index) => index === 0
      ? { ...axis, grid: { show: false }, splits: () => names.map((_, at) => at), filter: (plot, splits) => thinned(plot, splits), values: (plot, splits) => splits.map(split => split === null ? "" : names[split]) }
      : axis),
    series: [{},
      { paths: paths({ size: [.38, 48], align: -1 }), stroke: () => colour("--two"), fill: "transparent", width: 1.5, points: { show: false } },
      { paths: paths({ size: [.38, 48], align: 1 }), stroke: () => colour("--one"), fill: () => colour("--one"), width: 0, points: { show: false } }],
  }), [names.map((_, at) => at), then, now]);
}

// This month's total above its bar, where there is room to read it.
function figures({ ctx, bbox, valToPos }, values) {
  if (bbox.width / values.length < 56 * devicePixelRatio) return;
  ctx.save();
  ctx.fillStyle = colour("--ink");
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  values.forEach((value, at) => { if (value) ctx.fillText(brief(value), valToPos(at + .19, "x", true), valToPos(Math.max(0, value), "y", true) - 3 * devicePixelRatio); });
  ctx.restore();
}

// As many names as fit.
function thinned(plot, splits) {
  const every = Math.ceil(splits.length / Math.max(1, Math.floor(plot.width / 75)));
  return splits.map((split, index) => index % every === 0 ? split : null);
}
