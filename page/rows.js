// The table: rows of one height in a window of what is in memory, so that a
// browser never has more of them than fit on the screen and a few.

import { h, set } from "./dom.js";
import * as format from "./format.js";
import * as words from "./words.js";

const SPARE = 8;		// rows above and below what is seen
const PRINTED = 2000;		// rows on paper, which has no window

const COLUMNS = [
	["time", "Time"], ["status", "Status"], ["method", "Method"],
	["host", "Host and path"], ["service", "Service"],
	["keys", "Credentials"], ["actor", "Actor"], ["latency", "Latency"]
];

// Half of the bar is 100 ms, all of it 10 s and more.
function bar(us) {
	return Math.max(2, Math.min(100, Math.log10(us / 1000 + 1) * 25));
}

// What it says; a click with Alt filters by its key and value.
function cell(name, text, value, key = name, more) {
	const by = value !== undefined && value !== null;
	const el = h(`span.c-${name}`, { role: "gridcell",
	    "data-key": by && key, "data-value": value, ...more }, text);

	el.title ||= el.textContent +
	    (by ? "\nAlt+click: only rows with this" : "");
	return el;
}

function time(row) {
	return cell("time", format.time(row.created_at), null, "", { title:
	    format.whole(row.created_at, format.clock === "utc") });
}

function request(row, vault) {
	const [code, word] = words.status(row);
	const lat = cell("latency", row.open ? null :
	    [h("span", format.latency(row.latency_us)), h("i")]);

	if (!row.open)
		lat.lastChild.style.width = `${bar(row.latency_us)}%`;
	return [
		time(row),
		cell("status", [h("b", code), " ", word],
		    row.error_code || row.status,
		    row.error_code ? "error_code" : "status"),
		cell("method", row.method, row.method),
		cell("host", [h("b", row.host), row.path], row.host),
		cell("service", vault + (row.matched_service ||
		    (row.decision === "passthrough" ? "(none)" : "")),
		    row.matched_service),
		cell("keys", row.credential_keys.join(", ")),
		cell("actor", actor(row), row.actor_name ?? row.actor_id),
		lat
	];
}

export function actor(row) {
	return (row.actor_name ?? row.actor_id) +
	    (row.session ? " (session)" : "");
}

function other(row) {
	return [
		time(row),
		cell("status", row.kind === "gap" ? "missing" : row.kind,
		    row.kind, "kind"),
		cell("note", words.note(row), null, "", { "aria-colspan": 4 }),
		cell("actor", actor(row), null, "", { "aria-colindex": 7 })
	];
}

export class Rows {
	// on: of(row), what is said before its service; select(row),
	// filter(key, value), older(), newer(), scrolled(atTop)
	constructor(on) {
		this.on = on;
		this.list = [];		// newest first, in flight before that
		this.selected = null;
		this.drawn = new Map();
		this.space = h("div.space", { role: "rowgroup" });
		this.head = h("div.row.head", { role: "row" },
		    COLUMNS.map(([c, t]) => h(`span.c-${c}`,
		    { role: "columnheader" }, t)));
		this.view = h("div.rows", { role: "grid",
		    tabindex: 0, "aria-label": "Request log",
		    "aria-colcount": COLUMNS.length,
		    onscroll: () => this.scrolled(),
		    // Rows move below the pointer: where it was pressed counts.
		    onpointerdown: (e) => {
			this.down = e.button === 0 && this.under(e);
		    },
		    onpointerup: (e) => {
			const d = this.down;

			this.down = null;
			if (d && Math.hypot(e.clientX - d.x,
			    e.clientY - d.y) < 6)
				this.clicked(d, e);
		    },
		    onclick: (e) => e.detail === 0 &&
			this.clicked(this.under(e), e) }, this.head, this.space,
		    this.cut = h("p", { hidden: true }));
		window.onbeforeprint = window.onafterprint = (e) => {
			this.whole = e.type === "beforeprint";
			this.draw();
		};
		this.sized = new ResizeObserver(() => this.resized());
		this.sized.observe(this.view);
	}

	// Rows may be of another height now: the same one stays on top.
	resized() {
		const at = this.view.scrollTop / this.tall;

		this.draw();
		this.view.scrollTop = at * this.tall;
	}

	end() {
		window.onbeforeprint = window.onafterprint = null;
		this.sized.disconnect();
	}

	get height() {
		return parseFloat(getComputedStyle(this.view)
		    .getPropertyValue("--h")) || 24;
	}

	// Under the head, which stays.
	get room() {
		return this.view.clientHeight - this.head.offsetHeight;
	}

	// Near the end of what is in memory, and near its beginning.
	get low() {
		return this.view.scrollTop + this.room >
		    (this.list.length - 20) * this.height;
	}

	get high() {
		return this.view.scrollTop < 20 * this.height;
	}

	scrolled() {
		this.draw();
		this.on.scrolled(this.view.scrollTop < 2);
		if (this.high)
			this.on.newer();
		if (this.low)
			this.on.older();
	}

	under(e) {
		const i = e.target.closest("[data-row]")?.dataset.row;

		return { row: this.list[i], x: e.clientX, y: e.clientY,
		    cell: e.target.closest("[data-key]")?.dataset };
	}

	clicked({ row, cell }, e) {
		if (cell && (e.altKey || e.ctrlKey || e.metaKey))
			this.on.filter(cell.key, cell.value);
		else if (row)
			this.on.select(!row.open ? row : this.list.find((r) =>
			    r.request_id === row.request_id) ?? row);
	}

	set(list) {
		this.list = list;
		this.draw();
	}

	// Rows came or went above what is read, which stays where it is.
	shift(n) {
		this.view.scrollTop += n * this.height;
		this.draw();
	}

	toTop() {
		this.view.scrollTop = 0;
		this.draw();
	}

	select(row) {
		this.selected = row;
		this.draw();
	}

	show(row) {
		const i = this.list.indexOf(row), r = this.height;
		const v = this.view;

		if (i === -1)
			return;
		if (i * r < v.scrollTop)
			v.scrollTop = i * r;
		else if ((i + 1) * r > v.scrollTop + this.room)
			v.scrollTop = (i + 1) * r - this.room;
		this.draw();
	}

	// Times that say how long ago, and all after the clock was switched.
	again() {
		for (const el of this.drawn.values())
			el.remove();
		this.drawn.clear();
		this.draw();
	}

	draw() {
		const r = this.height, v = this.view;
		const from = this.whole ? 0 :
		    Math.max(0, Math.floor(v.scrollTop / r) - SPARE);
		const shown = this.list.slice(from, this.whole ? PRINTED :
		    Math.ceil((v.scrollTop + v.clientHeight) / r) + SPARE);
		const keep = new Set(shown);
		let before = null;

		this.tall = r;
		this.cut.hidden = !this.whole || this.list.length <= PRINTED;
		this.cut.textContent = "These are the first of " +
		    `${format.some(this.list.length, "row")}; an export has ` +
		    "all.";
		this.space.style.height = `${this.list.length * r}px`;
		for (const [row, el] of this.drawn) {
			if (!keep.has(row)) {
				el.remove();
				this.drawn.delete(row);
			}
		}
		shown.forEach((row, i) => {
			before = this.place(row, from + i, before, r);
		});
		set(v, { "aria-rowcount": this.list.length + 1,
		    "aria-activedescendant": keep.has(this.selected) && "at" });
	}

	// Behind the one before it, so that it is read in the order shown.
	place(row, i, before, height) {
		const picked = row === this.selected;
		let el = this.drawn.get(row);

		if (!el) {
			el = this.make(row);
			this.drawn.set(row, el);
		}
		if (!el.isConnected || el.previousElementSibling !== before)
			this.space.insertBefore(el, before ?
			    before.nextSibling : this.space.firstChild);
		el.style.transform = `translateY(${i * height}px)`;
		el.classList.toggle("selected", picked);
		return set(el, { id: picked && "at", "data-row": i,
		    "aria-rowindex": i + 2, "aria-selected": String(picked) });
	}

	make(row) {
		return h(`div.row.${words.statusClass(row)}`, { role: "row",
		    "data-id": row.id || row.request_id },
		    row.kind === "request" ? request(row, this.on.of(row)) :
		    other(row));
	}
}
