// Requests by time, stacked by class of status, from the log's statistics.

import { h, fill, set, svg, paced } from "./dom.js";
import { get, logPath } from "./http.js";
import * as format from "./format.js";
import { terms } from "./filter.js";

// From below, each with the others that have its colour.
const CLASSES = [["s2", "2xx"], ["s3", "1xx", "3xx"], ["s4", "4xx"],
    ["s5", "5xx", "none", "unknown"]];
const CLICK = 5;		// pixels that are no drag
const H = 40;

const iso = (t) => new Date(t).toISOString().replace(/\.\d+Z/, "Z");

export class Chart {
	// zoom(since, until), with nulls: all of it; kept(retention in force)
	constructor(vault, zoom, kept) {
		Object.assign(this, { vault, zoom, kept, q: "" });
		this.svg = svg("svg", { role: "slider", tabindex: 0,
		    "aria-valuemin": 1, preserveAspectRatio: "none",
		    onpointerdown: (e) => this.drag(e),
		    onkeydown: (e) => this.key(e),
		    onblur: () => this.mark(null) });
		this.text = h("span");
		this.span = h("span");
		this.hint = h("span.hint", { hidden: true },
		    "Drag to look at a time");
		this.all = h("button.quiet", { hidden: true,
		    onclick: () => this.zoom(null, null) },
		    "Show the last hour");
		this.el = h("figure.chart", this.svg,
		    h("figcaption.label", this.text, this.hint,
		    this.all, CLASSES.map(([cls, ...names]) => h(`span.${cls}`,
			`■ ${names.slice(0, 2).join(", ")}`)),
		    this.span));
		this.later = paced(2000, () => this.load());
		this.timer = setInterval(() => this.load(), 60000);
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

	// While one chooses, what is below stays as it is.
	draw() {
		if (!this.data || this.chosen)
			return;
		const { buckets, total } = this.data;
		const top = Math.max(1, ...buckets.map((b) => b.count));

		this.over = svg("rect", { class: "mark", y: 0, height: H,
		    width: 0 });
		fill(this.svg, [buckets.map((b, i) => this.bar(b, i, top)),
		    this.over]);
		const text = this.told(total, `in the ${this.zoomed ?
		    "time chosen" : "last hour"} (not filtered)`) +
		    (total.count > 0 ? `; half took at most ${format.latency(
		    total.p50_ms * 1000)}, 99 % ${format.latency(
		    total.p99_ms * 1000)}` : "") +
		    (this.data.partial ? ". It ends where counting took too " +
		    "long: choose a shorter time" : "");

		set(this.svg, { viewBox: `0 0 ${buckets.length} ${H}`,
		    "aria-label": text, "aria-valuemax": buckets.length,
		    "aria-valuenow": buckets.length,
		    "aria-valuetext": this.times(0, buckets.length) });
		this.mark(null);
		this.text.textContent = this.text.title = text;
		this.all.hidden = !this.zoomed;
		this.hint.hidden = this.zoomed;
		this.span.textContent = this.times(0, buckets.length);
	}

	bar(b, i, top) {
		let y = H;

		return svg("g", {},
		    svg("title", {}, `${this.times(i, i + 1)}: ` +
			this.told(b)),
		    svg("rect", { class: "hit", x: i, y: 0, width: 1,
			height: H }),
		    CLASSES.map(([cls, ...names]) => {
			const n = names.reduce((sum, name) => sum +
			    b.by_status[name], 0) * (H - 4) / top;

			y -= n;
			return n > 0 && svg("rect", { class: cls, x: i + 0.06,
			    y: y.toFixed(2), width: 0.88,
			    height: Math.max(n, 0.8).toFixed(2) });
		    }));
	}

	told({ count, by_status: s }, when = "") {
		return `${format.some(count, "request")} ${when}`.trim() +
		    (count > 0 ? `, ${format.count(s["4xx"] + s["5xx"])} ` +
		    "with 4xx or 5xx" : "");
	}

	// When bars begin, those of before what came while one chooses.
	at(i) {
		const { from, step_seconds } = this.chosen?.data ?? this.data;

		return Date.parse(from) + i * step_seconds * 1000;
	}

	times(from, to) {
		return [from, to].map((i) => format.short(this.at(i),
		    this.data.step_seconds)).join(" – ");
	}

	// The bars from one to another are chosen, or none with null.
	mark(from, to) {
		const was = this.chosen, { data } = was ?? this;

		if (from === null) {
			this.chosen = null;
			this.over?.setAttribute("width", 0);
			return was && this.draw();
		}
		const i = Math.min(from, to), n = Math.abs(to - from) + 1;

		this.chosen = { data, from, to };
		set(this.over, { x: i, width: n });
		set(this.svg, { "aria-valuenow": to + 1, "aria-valuetext":
		    `${this.times(i, i + n)}: ` +
		    this.told(data.buckets[to]) });
	}

	// Those steps become since and until.
	take() {
		const { from, to } = this.chosen;
		const range = [Math.min(from, to), Math.max(from, to) + 1]
		    .map((i) => iso(this.at(i)));

		this.mark(null);
		this.zoom(...range);
	}

	// Arrows choose a bar, with Shift more of them.
	key(e) {
		const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
		const n = this.data?.buckets.length;

		if (!n || e.ctrlKey || e.altKey || e.metaKey)
			return;
		if (by) {
			const to = Math.max(0, Math.min(n - 1,
			    (this.chosen?.to ?? n) + by));
			this.mark(e.shiftKey ? this.chosen?.from ?? to : to,
			    to);
		} else if (e.key === "Enter" && this.chosen)
			this.take();
		else if (e.key === "Escape" && this.chosen)
			this.mark(null);
		else
			return;
		e.preventDefault();
		e.stopPropagation();
	}

	// A part of it, which the system may take the pointer away from.
	drag(e) {
		const n = this.data?.buckets.length, box =
		    this.svg.getBoundingClientRect();
		const bar = (x) => Math.max(0, Math.min(n - 1, Math.floor(
		    (x - box.left) / box.width * n)));
		const done = new AbortController(), { signal } = done;
		const on = (name, fn) => this.svg.addEventListener(
		    `pointer${name}`, fn, { signal });

		if (!n || e.button !== 0)
			return;
		const from = bar(e.clientX);
		let far = false;
		on("move", (m) => {
			far ||= Math.abs(m.clientX - e.clientX) > CLICK;
			if (far)
				this.mark(from, bar(m.clientX));
		});
		on("up", () => {
			done.abort();
			if (this.chosen)
				this.take();
		});
		on("cancel", () => {
			done.abort();
			this.mark(null);
		});
		this.svg.setPointerCapture(e.pointerId);
	}

	end() {
		this.ended = true;
		clearInterval(this.timer);
		this.abort?.abort();
	}
}
