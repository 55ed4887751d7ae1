// Requests by time, stacked by class of status, from the log's statistics.

import { h, svg, paced } from "./dom.js";
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
		this.svg = svg("svg", { role: "img",
		    preserveAspectRatio: "none" });
		this.text = h("span");
		this.span = h("span");
		this.hint = h("span.hint", { hidden: true },
		    "Drag to look at a time");
		this.all = h("button.quiet", { hidden: true,
		    onclick: () => this.zoom(null, null) },
		    "Show the last hour");
		this.el = h("figure.chart", null, this.svg,
		    h("figcaption.label", null, this.text, this.hint,
		    this.all, this.span));
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
			    buckets: 60 }, this.abort.signal);
		} catch (e) {
			if (e.name !== "AbortError")
				this.text.textContent =
				    `No chart: ${e.message}`;
			return;
		}
		this.kept(this.data.rows_kept);
		this.zoomed = range.since !== undefined ||
		    range.until !== undefined;
		this.draw();
	}

	// While one drags, what is below stays as it is.
	draw() {
		if (!this.data || this.dragged)
			return;
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
		const text = `${format.some(total.count, "request")} in the ` +
		    `${this.zoomed ? "time chosen" : "last hour"}` +
		    " (not filtered)" +
		    (total.count > 0 ? `, ${format.count(err)} with 4xx or ` +
		    `5xx; half took at most ${format.latency(total.p50_ms *
		    1000)}, 99 % ${format.latency(total.p99_ms * 1000)}` : "");

		this.svg.setAttribute("aria-label", text);
		this.text.textContent = this.text.title = text;
		this.all.hidden = !this.zoomed;
		this.hint.hidden = this.zoomed;
		this.span.textContent = [0, buckets.length].map((i) =>
		    format.short(this.at(i), this.data.step_seconds))
		    .join(" – ");
	}

	// When a bar begins.
	at(i) {
		return Date.parse(this.data.from) + i *
		    this.data.step_seconds * 1000;
	}

	// A part of it: those steps become since and until.
	drag(e) {
		const n = this.data?.buckets.length, box =
		    this.svg.getBoundingClientRect();
		const bar = (x) => Math.max(0, Math.min(n - 1, Math.floor(
		    (x - box.left) / box.width * n)));

		if (!n || e.button !== 0 || this.dragged)
			return;
		const from = bar(e.clientX);
		let to = from;
		const show = () => {
			this.mark.setAttribute("x", Math.min(from, to));
			this.mark.setAttribute("width",
			    Math.abs(to - from) + 1);
		};
		const move = (m) => {
			to = bar(m.clientX);
			show();
		};
		// The system may take the pointer away: then nothing is chosen.
		const end = (u) => {
			for (const [name, fn] of on)
				this.svg.removeEventListener(name, fn);
			this.dragged = false;
			if (u.type === "pointerup")
				this.zoom(iso(this.at(Math.min(from, to))),
				    iso(this.at(Math.max(from, to) + 1)));
			else
				this.draw();
		};
		const on = [["pointermove", move], ["pointerup", end],
		    ["pointercancel", end]];

		show();
		this.dragged = true;
		this.svg.setPointerCapture(e.pointerId);
		for (const [name, fn] of on)
			this.svg.addEventListener(name, fn);
	}

	end() {
		this.ended = true;
		clearInterval(this.timer);
		this.abort?.abort();
	}
}
