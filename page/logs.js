// The Logs tab: one list of rows, live or held still.

import { h, fill, say, paced } from "./dom.js";
import { get, address as url, logPath } from "./http.js";
import { address, leaveRow, setAddress } from "./app.js";
import * as format from "./format.js";
import { Chart } from "./chart.js";
import { Detail } from "./detail.js";
import { Filter, put, term, toggle } from "./filter.js";
import { help, listen } from "./keys.js";
import { Rows } from "./rows.js";
import { Stream } from "./stream.js";

const LIVE = 2000;		// rows kept while they come
const MOST = 20000;		// with what was scrolled back to, a part of all
const OPEN = 256;		// in flight, shown
const FEW = 20;			// of them, which can be followed by eye:
const STAY = 3000;		// then ended ones stay there for this long
const PAGE = 200;

const STATES = {
	connecting: "Connecting", live: "Live", "catching up": "Catching up",
	disconnected: "Disconnected, trying again",
	"not allowed": "Not allowed any more", "signed out": "Signed out",
	loading: "Loading", paused: "Paused", stopped: "Filter not valid"
};

let current = null;

listen({
	"/": () => current?.filter.input.focus(),
	j: () => current?.step(1), k: () => current?.step(-1),
	g: () => current?.newest(),
	G: () => current?.step(Infinity),
	Enter: () => current?.toggleDetail(),
	Escape: () => current?.select(null),
	" ": () => current?.pause(!current.paused),
	e: () => current?.errors(), t: () => current?.nextClock(),
	"?": () => current && help.showModal()
});

export class Logs {
	// names: of vaults, by their numbers
	constructor(root, vault, signIn, names) {
		const at = address();

		Object.assign(this, { root, vault, signIn, q: at.q,
		    paused: at.paused, open: new Map(), ends: new Map(),
		    wanted: at.row });
		current = this;
		this.filter = new Filter(vault, at.q, (q) => this.search(q),
		    () => this.focus());
		// Of which vault a row is, where it is not said above.
		const of = ({ vault_id: id }) => vault !== null || !id ? "" :
		    `${names.get(id) ?? id}: `;
		this.table = new Rows({ of, select: (r) => this.select(r, true),
		    filter: (k, v) => this.narrow(k, v),
		    older: () => this.loadOlder(),
		    newer: () => this.loadNewer(),
		    scrolled: (top) => this.scrolled(top) });
		this.detail = new Detail(vault, names, {
		    close: () => this.select(null),
		    step: (n) => this.step(n),
		    filter: (k, v) => this.narrow(k, v) });
		this.chart = new Chart(vault, (s, u) => this.zoom(s, u),
		    (r) => this.retention(r));
		this.update = paced(60, () => this.draw());
		this.sweep = paced(300, () => this.swept());
		this.build();
		this.ticker = setInterval(() => this.tick(), 5000);
		this.load();
	}

	build() {
		this.badge = h("span.badge", { role: "status" });
		this.pill = h("button.pill.main", { hidden: true,
		    onclick: () => this.newest() });
		this.pauseButton = h("button", { onclick: () =>
		    this.pause(!this.paused), title: "Space" });
		this.clockButton = h("button.quiet", { title: "Times (t)",
		    onclick: () => this.nextClock() });
		this.exports = ["jsonl", "csv"].map((f) => h("a", {
		    download: "", title: "What the filter shows, all of it" },
		    f === "csv" ? "CSV" : "JSON lines"));
		this.keep = h("span.keep");
		this.told = h("span.told");
		this.note = h("div.state", { hidden: true });
		this.foot = h("footer", this.keep, this.told,
		    h("span.out", "Export: ", this.exports[0], " ",
			this.exports[1]));
		fill(this.root, [this.chart.el, h("div.tools",
		    this.filter.el, this.filter.chips,
		    h("div.buttons", this.badge, this.pauseButton,
			this.clockButton, h("button.quiet", { title: "Keys (?)",
			onclick: () => help.showModal(),
			"aria-label": "Keys" }, "?"))),
		    h("div.pane", h("div.left", this.table.view,
			this.note, this.pill), this.detail.el), this.foot,
		    help]);
		this.root.className = "logs";
		this.drawClock();
		this.drawPause();
	}

	get list() {
		return this.table.list;
	}

	state(s) {
		const is = this.paused && s === "live" ? "paused" : s;

		this.badge.textContent = STATES[is];
		this.badge.dataset.state = is;
		this.badge.classList.toggle("bad", /^(dis|not|sto)/.test(is));
		this.last = s;
		// Of what ended meanwhile no end will be told.
		if (s !== "live")
			this.forget();
		if (s === "signed out")
			this.signIn("Your session is over.");
	}

	retention(r) {
		const kept = [r.max_age_hours ?
		    format.span(r.max_age_hours) : "", r.max_rows_per_vault ?
		    `${format.some(r.max_rows_per_vault, "row")} a vault` : ""]
		    .filter(Boolean).join(" or ");

		this.keep.textContent = `Kept: ${kept || "for ever"}. ` +
		    "Bodies, headers and query strings are never recorded.";
	}

	// A new list: the newest page, and the stream from its head on.
	async load() {
		this.stream?.end();
		this.abort?.abort();
		const abort = this.abort = new AbortController();
		Object.assign(this, { rows: [], came: [], held: [], fresh: 0,
		    older: null, frozen: [], failed: null, apart: false });
		this.open.clear();
		clearTimeout(this.retry);
		this.told.textContent = "";
		this.state("loading");
		this.draw();
		this.chart.set(this.q);
		this.exports.forEach((a, i) => { a.href = url(
		    `${logPath(this.vault)}/export`, { q: this.q,
		    format: ["jsonl", "csv"][i] }); });
		try {
			const page = await this.pageOf({});

			if (abort.signal.aborted)
				return;
			this.rows = page.logs;
			this.older = page.next_cursor;
			this.head = page.latest_id;
			this.table.toTop();
			this.stream = new Stream(this.vault, this.q,
			    page.latest_id, this);
		} catch (e) {
			if (e.name === "AbortError" || abort.signal.aborted)
				return;
			if (e.status === 401)
				return this.state("signed out");
			const wrong = e.code === "invalid_filter";

			if (wrong)
				this.filter.fault(e);
			this.failed = e;
			this.state(wrong ? "stopped" : e.status === 403 ||
			    e.status === 404 ? "not allowed" : "disconnected");
			if (this.last === "disconnected")
				this.retry = setTimeout(() => this.load(),
				    5000);
			this.draw();
			return;
		}
		await this.findWanted().catch((e) => e.name === "AbortError" ||
		    this.tell(`The row cannot be shown: ${e.message}`));
		this.draw();
		this.fillUp();
	}

	// A page may be short, and yet there are older rows that match; without
	// a row more nothing scrolls that would ask for them.
	fillUp() {
		if (this.older !== null && this.table.low)
			this.loadOlder();
	}

	pageOf(cursor) {
		return get(logPath(this.vault), { limit: PAGE, q: this.q,
		    ...cursor }, this.abort.signal);
	}

	// A row that the address names may be further back.
	async findWanted() {
		const id = this.wanted;

		this.wanted = null;
		if (id === null)
			return;
		let row = this.rows.find((r) => r.id === id);
		// A page may have no row at all where few of many match.
		if (!row && !(id > this.rows.at(-1)?.id)) {
			const page = await this.pageOf({ before: id + 1 });

			row = page.logs.find((r) => r.id === id);
			if (row) {
				this.pause(true);
				this.part();
				this.rows = page.logs;
				this.older = page.next_cursor;
				this.newer = id;
			}
		}
		this.draw();
		if (row) {
			this.select(row, true);
			this.table.show(row);
			this.loadNewer();
		} else
			setAddress({ row: null }, true);
	}

	// One page more; what is done with it if the list is still the same.
	async more(cursor, what, take) {
		const abort = this.abort;

		this.loading = true;
		try {
			const page = await this.pageOf(cursor);

			if (abort === this.abort)
				take(page);
			return true;
		} catch (e) {
			if (e.name === "AbortError")
				return false;
			if (this.list.length === 0)
				this.failed = e;
			this.tell(`${what} rows cannot be loaded: ` +
			    e.message);
			this.draw();
		} finally {
			this.loading = false;
		}
	}

	async loadOlder() {
		const before = this.older;

		if (before === null || this.loading)
			return;
		if (await this.more({ before }, "Older", (page) => {
			// It may have been cut meanwhile.
			if (before !== this.older)
				return;
			this.rows = this.rows.concat(page.logs);
			this.older = page.next_cursor;
			this.draw();
			this.bound();
		}))
			this.fillUp();
	}

	// What is in memory is not the newest any more; those are up to edge.
	part() {
		// What has settled is not on view any more.
		this.fresh += this.frozen.filter((r) => !r.open &&
		    !this.rows.includes(r)).length;
		if (!this.apart)
			this.edge = this.rows[0]?.id ?? this.head;
		this.apart = true;
		this.frozen = [];
	}

	// The newest go when too many were scrolled back to; what is drawn
	// then stays where it is.
	bound() {
		const most = this.rows.length - MOST;

		if (most <= 0 || !this.paused)
			return;
		const had = this.list.length;
		this.part();
		this.rows = this.rows.slice(most);
		this.newer = this.rows[0].id;
		this.draw();
		this.table.shift(this.list.length - had);
	}

	async loadNewer() {
		if (!this.apart || this.loading)
			return;
		if (await this.more({ after: this.newer }, "Newer", (page) => {
			if (page.trimmed)
				this.trimmed(page.trimmed);
			if (!this.apart)
				return;
			const more = page.logs.filter((r) =>
			    r.id <= this.edge);

			this.rows = more.concat(this.rows);
			this.newer = page.latest_id;
			this.apart = page.latest_id < this.edge;
			if (this.rows.length > MOST) {
				this.rows.length = MOST;
				this.older = this.rows.at(-1).id;
			}
			this.draw();
			this.table.shift(more.length);
		})) {
			if (this.apart && this.table.high)
				this.loadNewer();
			else
				this.fillUp();
		}
	}

	// Called by the stream.
	row(row) {
		const same = (r) => row.kind === "request" &&
		    r?.request_id === row.request_id;
		const seen = this.frozen.findIndex(same);

		if (same(this.table.selected))
			this.settled = row;
		this.settle(row);
		if (this.paused) {
			if (seen !== -1)
				this.frozen[seen] = row;
			else
				this.fresh++;
			this.keepOf(this.held, row);
		} else
			this.keepOf(this.came, row);
		this.update();
		this.chart.later();
	}

	// It is seen where it was for a moment, if others that began before it
	// are in flight still, and then among those that ended when it did.
	settle(row) {
		const id = row.request_id;

		if (this.open.has(id) && this.open.size <= FEW &&
		    [...this.open.values()].find((r) => r.open)
		    ?.request_id !== id) {
			this.open.set(id, row);
			this.ends.set(id, Date.now() + STAY);
			this.sweep();
		} else {
			this.open.delete(id);
			this.ends.delete(id);
		}
	}

	swept() {
		for (const [id, when] of this.ends) {
			if (when > Date.now())
				continue;
			this.ends.delete(id);
			this.open.delete(id);
			if (this.looked.some((r) => r.request_id === id))
				this.endOf(id);
		}
		if (this.ends.size > 0)
			this.sweep();
		this.update();
	}

	// The last LIVE of them and some, the oldest first: to put each in
	// front of a long list takes longer than all the rest.
	keepOf(list, row) {
		if (list.push(row) > 2 * LIVE)
			list.splice(0, LIVE);
	}

	// What came is the newest of the list.
	take(list) {
		if (list.length === 0)
			return;
		this.rows = list.reverse().concat(this.rows);
		if (this.rows.length > LIVE) {
			this.rows.length = LIVE;
			this.older = this.rows.at(-1).id;
		}
	}

	openRow(row) {
		row.open = true;
		this.open.set(row.request_id, row);
		if (this.open.size > OPEN)
			this.open.delete(this.open.keys().next().value);
		this.update();
	}

	// Its row follows at once, unless the filter leaves it out.
	close({ request_id }) {
		this.ends.set(request_id, Date.now() + 500);
		this.sweep();
	}

	// What is in view as in flight, and is not told of any more.
	get looked() {
		return [this.table.selected, ...this.frozen].filter((r) =>
		    r?.open && !this.open.has(r.request_id));
	}

	// How it ended is asked for.
	async endOf(id) {
		const page = await get(logPath(this.vault), { limit: 1,
		    q: term("request_id", id) }, this.abort.signal)
		    .catch(() => null);
		const row = page?.logs[0];
		const same = (r) => r?.open && r.request_id === id;
		const seen = this.frozen.findIndex(same);

		if (!row)
			return;
		if (seen !== -1)
			this.frozen[seen] = row;
		if (same(this.table.selected))
			this.settled = row;
		this.update();
	}

	tick() {
		const lost = this.looked;

		if (format.clock === "relative" ||
		    this.day !== format.today())
			this.table.again();
		this.day = format.today();
		if (lost.length > 0 && this.last === "live")
			this.endOf(lost[Math.floor(Math.random() *
			    lost.length)].request_id);
	}

	forget() {
		this.open.clear();
		this.ends.clear();
		this.update();
	}

	trimmed({ gone, exact }) {
		this.tell("Deleted by retention before it could be shown: " +
		    `${exact ? "" : "at most "}${format.some(gone, "row")}.`);
	}

	// Seen and heard, until the list is another.
	tell(text) {
		this.told.textContent = text;
		say(text);
	}

	draw() {
		const first = this.paused ? this.frozen :
		    [...this.open.values()].reverse();

		this.take(this.came);
		this.came = [];
		const above = new Set(first.filter((r) => !r.open));
		this.table.set(first.concat(above.size === 0 ? this.rows :
		    this.rows.filter((r) => !above.has(r))));
		if (this.settled) {
			const same = (r) => r?.request_id ===
			    this.settled.request_id;

			if (same(this.table.selected))
				this.select(this.list.find(same) ??
				    this.settled);
			this.settled = null;
		}
		if (this.paused && this.fresh > 0)
			this.pill.textContent = `${format.some(this.fresh,
			    "new row")} – show`;
		this.pill.hidden = !this.paused || this.fresh === 0;
		this.drawNote();
	}

	drawNote() {
		const e = this.failed;
		let text = null;

		if (e)
			text = e.status === 403 ? ["You may not read this log.",
			    "It takes the role member in the vault."] :
			    e.status === 404 ? ["There is no such vault.", ""] :
			    e.code === "invalid_filter" ?
			    ["The filter is not understood.",
			    "What is wrong is said below it."] :
			    [e.message, h("button", {
			    onclick: () => {
				this.focus();
				this.load();
			    } }, "Try again")];
		else if (this.list.length === 0 && this.last === "loading")
			text = ["Loading …", ""];
		else if (this.list.length === 0 && this.older !== null)
			text = ["Searching older rows …", ""];
		else if (this.list.length === 0)
			text = this.q === "" ? ["No requests yet.",
			    "They are shown here as they come: run an agent " +
			    "with brokerctl run."] :
			    ["No row matches the filter.",
			    h("button", { onclick: () => this.filter.clear() },
			    "Show all rows")];
		this.note.hidden = text === null;
		// A button that is there already may have the focus.
		const said = String(text?.map((t) => t.textContent ?? t));
		if (text && said !== this.said)
			fill(this.note, [h("b", text[0]), " ", text[1]]);
		this.said = said;
	}

	search(q) {
		this.q = q;
		setAddress({ q, row: null });
		this.select(null);
		this.apart = false;
		if (this.paused)
			this.pause(false);
		this.load();
	}

	// With nulls all of the time; the button for it goes.
	zoom(since, until) {
		this.filter.set(put(put(this.q, "since", since), "until",
		    until));
		if (since === null)
			this.focus();
	}

	narrow(key, value) {
		if (value !== undefined && value !== null)
			this.filter.set(put(this.q, key, String(value)));
	}

	errors() {
		this.filter.set(toggle(this.q, term("status_bucket", "err")));
	}

	scrolled(top) {
		if (!top && !this.paused) {
			this.pause(true);
			this.byScroll = true;
		} else if (top && this.paused && this.byScroll &&
		    !this.fresh && !this.apart)
			this.pause(false);
	}

	pause(on) {
		if (on === this.paused)
			return;
		this.paused = on;
		this.byScroll = false;
		if (!on && this.apart) {
			this.drawPause();
			setAddress({ paused: false }, true);
			this.load();
			return;
		}
		this.take(on ? this.came : this.held);
		this.came = [];
		if (on)
			this.frozen = [...this.open.values()].reverse();
		else {
			Object.assign(this, { held: [], fresh: 0, frozen: [] });
			this.table.toTop();
		}
		setAddress({ paused: on }, true);
		this.drawPause();
		this.state(this.last);
		this.draw();
	}

	drawPause() {
		this.pauseButton.textContent = this.paused ? "Go on" : "Pause";
	}

	// The list takes what a button had that goes.
	focus() {
		this.table.view.focus({ preventScroll: true });
	}

	newest() {
		this.focus();
		this.pause(false);
		this.table.toTop();
	}

	// The first row is a step in the history, others take its place.
	select(row, show) {
		this.pick(row, show);
		if (row === null)
			leaveRow();
		setAddress({ row: row?.id || null, paused: this.paused },
		    row === null || address().row !== null);
	}

	// A step in the history was made.  Whether it was to a row that is
	// here, or from one.
	moved({ vault, q, row: id }) {
		const row = id && this.list.find((r) => r.id === id);

		if (vault !== (this.vault ?? "*") || q !== this.q ||
		    row === undefined)
			return false;
		this.pick(row, true);
		setAddress({ paused: this.paused }, true);
		return true;
	}

	pick(row, show) {
		this.table.select(row);
		if (row && (show || !this.detail.el.hidden))
			this.detail.show(row);
		else if (!row && !this.detail.el.hidden) {
			this.detail.hide();
			this.focus();
		}
	}

	step(n) {
		if (!this.paused)
			this.pause(true);
		const i = this.list.indexOf(this.table.selected);
		const row = n === Infinity ? this.list.at(-1) :
		    this.list[i === -1 ? 0 : i + n];

		if (!row)
			return;
		this.select(row);
		this.table.show(row);
		if (!this.detail.el.contains(document.activeElement))
			this.focus();
	}

	toggleDetail() {
		if (!this.detail.el.hidden)
			this.select(null);
		else if (this.table.selected)
			this.select(this.table.selected, true);
		else
			this.step(1);
	}

	nextClock() {
		format.setClock({ local: "utc",
		    utc: "relative" }[format.clock] ?? "local");
		this.drawClock();
		this.table.again();
		this.chart.draw();
	}

	drawClock() {
		this.clockButton.textContent = { local: "Local time",
		    utc: "UTC", relative: "How long ago" }[format.clock];
	}

	end() {
		clearTimeout(this.retry);
		this.stream?.end();
		this.abort?.abort();
		this.chart.end();
		this.table.end();
		clearInterval(this.ticker);
		help.close();
		if (current === this)
			current = null;
	}
}
