#!/usr/bin/env python3
"""Draws one trace as SVG from the spans that a running program exports.

    python3 ops/trace/picture.py docs/images/trace.svg          # listens on 127.0.0.1:4318
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_BSP_SCHEDULE_DELAY=500 \
        dotnet run --project src/IngestServer                   # and submit an anomaly

The script ends after the first trace that has a span called "send anomaly-alerts". It uses the standard library only and reads just the fields that
it draws from OTLP's protobuf messages (https://github.com/open-telemetry/opentelemetry-proto).
"""
import html
import http.server
import struct
import sys

WIDTH, LABEL, ROW = 1180, 330, 34
COLOURS = {2: "#2b6cb0", 3: "#718096", 4: "#b7791f", 5: "#2f855a"}
KINDS = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
SHOWN = ("http.response.status_code", "messaging.batch.message_count", "db.system.name", "db.operation.batch.size")


def fields(data):
    """Yields the number and value of each field of a protobuf message. Varints and fixed-size fields are ints, all others are bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
        elif kind == 1:
            yield key >> 3, struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif kind == 2:
            length = varint()
            yield key >> 3, data[at:at + length]
            at += length
        else:
            yield key >> 3, struct.unpack_from("<I", data, at)[0]
            at += 4


def every(data, *path):
    """Yields every message at a path of field numbers."""
    if not path:
        yield data
        return
    for number, value in fields(data):
        if number == path[0]:
            yield from every(value, *path[1:])


def read_span(data):
    span = {"attributes": {}, "links": 0, "kind": 0, "parent": b""}
    for number, value in fields(data):
        if number in (1, 2, 4, 5):
            span[{1: "trace", 2: "id", 4: "parent", 5: "name"}[number]] = value
        elif number in (6, 7, 8):
            span[{6: "kind", 7: "start", 8: "end"}[number]] = value
        elif number == 9:
            pair = dict(fields(value))
            (kind, content), *_ = fields(pair[2])
            span["attributes"][pair[1].decode()] = content.decode() if kind == 1 else content
        elif number == 13:
            span["links"] += 1
    return span


def in_order(spans, parent, depth=0):
    for span in sorted((s for s in spans if s["parent"] == parent), key=lambda s: s["start"]):
        yield span, depth
        yield from in_order(spans, span["id"], depth + 1)


def draw(spans):
    ids = {span["id"] for span in spans}
    root = next(span for span in spans if span["parent"] not in ids)
    rows = list(in_order(spans, root["parent"]))
    start = min(span["start"] for span in spans)
    total = max(span["end"] for span in spans) - start
    scale = (WIDTH - LABEL - 150) / total
    height = ROW * len(rows) + 70
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
           f'<text x="12" y="22" font-weight="600">Trace {root["trace"].hex()}: {total / 1e6:.1f} ms</text>']
    for step in range(5):
        x = LABEL + scale * total * step / 4
        out.append(f'<line x1="{x:.1f}" y1="34" x2="{x:.1f}" y2="{height - 26}" stroke="#e2e8f0"/>'
                   f'<text x="{x:.1f}" y="{height - 10}" fill="#718096" text-anchor="middle">{total * step / 4e6:.1f} ms</text>')
    for index, (span, depth) in enumerate(rows):
        y = 42 + ROW * index
        x = LABEL + scale * (span["start"] - start)
        width = max(2, scale * (span["end"] - span["start"]))
        notes = ", ".join(f"{name.split('.', 1)[1]} {span['attributes'][name]}" for name in SHOWN if name in span["attributes"])
        second_line = ", ".join(filter(None, [KINDS.get(span["kind"], ""), notes]))
        out.append(f'<text x="{12 + 16 * depth}" y="{y + 12}">{html.escape(span["name"].decode())}</text>'
                   f'<text x="{12 + 16 * depth}" y="{y + 25}" font-size="10" fill="#718096">{html.escape(second_line)}</text>'
                   f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="16" rx="2" fill="{COLOURS.get(span["kind"], "#a0aec0")}"/>'
                   f'<text x="{x + width + 6:.1f}" y="{y + 12}" fill="#4a5568">{(span["end"] - span["start"]) / 1e6:.2f} ms</text>')
    return "\n".join([*out, "</svg>\n"])


class Receiver(http.server.BaseHTTPRequestHandler):
    traces = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/v1/traces"):
            for data in every(body, 1, 2, 2):
                span = read_span(data)
                self.traces.setdefault(span["trace"], []).append(span)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def main(path):
    with http.server.HTTPServer(("127.0.0.1", 4318), Receiver) as server:
        while True:
            server.handle_request()
            for spans in Receiver.traces.values():
                names = [span["name"] for span in spans]
                if b"send anomaly-alerts" in names and b"POST /api/transactions" in names:
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(draw(spans))
                    print(f"{path}: {len(spans)} spans")
                    return


if __name__ == "__main__":
    main(sys.argv[1])
