// Requests by time, stacked by class of status, from the log's statistics.

import { h, fill, svg, paced } from "./dom.js";
import { get, logPath } from "./http.js";
import * as format from "./format.js";
import { terms } from "./filter.js";

const CLASSES = [["2xx", "s2"], ["1xx", "s1"], ["3xx", "s3"], ["4xx", "s4"],
    ["5xx", "s5"], ["none", "s0"], ["unknown", "s0"]];
const H = 40;

const iso = (t) => new Date(t).toISOString().replace(/\.\d+Z/, "Z");

export class Chart {
	// zoom(since, until), with nulls: all of it; kept(retention in force)
	constructor(vault, zoom, kept) {
		Object.assign(this, { vault, zoom, kept, q: "" });
		this.svg = svg("svg", { role: "img", preserveAspectRatio: "none" });
		this.label = h("p.label");
		this.el = h("figure.chart", null, this.svg,
		    h("figcaption", null, this.label));
		this.later = paced(2000, () => this.load());
		this.timer = setInterval(() => this.load(), 60000);
		this.svg.addEventListener("pointerdown", (e) => this.drag(e));
	}

	set(q) {
		this.q = q;
		this.load();
	}

	async load() {
		const range = {};

		if (this.ended)
			return;
		this.abort?.abort();
		this.abort = new AbortController();
		for (const t of terms(this.q)) {
			const m = /^(since|until):"?([^",]*)"?$/.exec(t);

			if (m)
				range[m[1]] = m[2];
		}
		try {
			this.data = await get(`${logPath(this.vault)}/stats`,
			    { since: range.until ? null : "1h", ...range,
			    buckets: 60 },
			    this.abort.signal);
		} catch (e) {
			if (e.name !== "AbortError")
				this.label.textContent =
				    `No chart: ${e.message}`;
			return;
		}
		this.kept(this.data.rows_kept);
		this.zoomed = range.since !== undefined ||
		    range.until !== undefined;
		this.draw();
	}

	draw() {
		const { buckets, total } = this.data;
		const top = Math.max(1, ...buckets.map((b) => b.count));
		const bars = [];

		buckets.forEach((b, i) => {
			let y = H;

			for (const [name, cls] of CLASSES) {
				const n = b.by_status[name] * (H - 4) / top;

				if (n === 0)
					continue;
				y -= n;
				bars.push(svg("rect", { class: cls, x: i + 0.06,
				    y: y.toFixed(2), width: 0.88,
				    height: Math.max(n, 0.8).toFixed(2) }));
			}
		});
		this.svg.setAttribute("viewBox", `0 0 ${buckets.length} ${H}`);
		this.mark = svg("rect", { class: "mark", y: 0, height: H,
		    width: 0 });
		this.svg.replaceChildren(...bars, this.mark);
		const err = total.by_status["5xx"] + total.by_status["4xx"];
		const text = `${format.some(total.count, "request")} ` +
		    `${this.zoomed ? "in the time chosen" : "in the last hour"}` +
		    " (not filtered)" +
		    (total.count > 0 ? `, ${format.count(err)} with 4xx or ` +
		    `5xx; half took at most ${format.latency(total.p50_ms *
		    1000)}, 99 % ${format.latency(total.p99_ms * 1000)}` : "");

		this.svg.setAttribute("aria-label", text);
		fill(this.label, [text, this.zoomed ? h("button.quiet", {
		    onclick: () => this.zoom(null, null) }, "Show the last hour") :
		    h("span.hint", null, "drag to look at a time")]);
	}

	// A part of it: those steps become since and until.
	drag(e) {
		const n = this.data?.buckets.length, box =
		    this.svg.getBoundingClientRect();
		const at = (x) => Math.max(0, Math.min(n - 1, Math.floor((x -
		    box.left) / box.width * n)));

		if (!n || e.button !== 0)
			return;
		const from = at(e.clientX);
		let to = from;
		const show = () => {
			this.mark.setAttribute("x", Math.min(from, to));
			this.mark.setAttribute("width", Math.abs(to - from) + 1);
		};
		const move = (m) => {
			to = at(m.clientX);
			show();
		};
		const up = () => {
			this.svg.removeEventListener("pointermove", move);
			const t = (i) => Date.parse(this.data.from) + i *
			    this.data.step_seconds * 1000;
			this.zoom(iso(t(Math.min(from, to))),
			    iso(t(Math.max(from, to) + 1)));
		};

		show();
		this.svg.setPointerCapture(e.pointerId);
		this.svg.addEventListener("pointermove", move);
		this.svg.addEventListener("pointerup", up, { once: true });
	}

	end() {
		this.ended = true;
		clearInterval(this.timer);
		this.abort?.abort();
	}
}
