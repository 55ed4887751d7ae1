// The table: rows of one height in a window of what is in memory, so that a
// browser never has more of them than fit on the screen and a few.

import { h } from "./dom.js";
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

function cell(name, value, text, title) {
	return h(`span.c-${name}`, { role: "gridcell", title: title ?? text,
	    "data-key": value === undefined ? null : name,
	    "data-value": value }, text);
}

function time(row) {
	return cell("time", undefined, format.time(row.created_at),
	    format.whole(row.created_at, format.clock === "utc"));
}

function request(row, vault) {
	const [code, word] = words.status(row);
	const lat = h("span.c-latency", { role: "gridcell" }, row.open ? null :
	    [h("span", null, format.latency(row.latency_us)), h("i")]);

	if (!row.open)
		lat.lastChild.style.width = `${bar(row.latency_us)}%`;
	return [
		time(row),
		h("span.c-status", { role: "gridcell", title: `${code} ${word}`,
		    "data-key": row.error_code ? "error_code" : "status",
		    "data-value": row.error_code || row.status },
		    h("b", null, code), " ", word),
		cell("method", row.method, row.method),
		h("span.c-host", { role: "gridcell", title: row.host + row.path,
		    "data-key": "host", "data-value": row.host },
		    h("b", null, row.host), row.path),
		cell("service", row.matched_service, vault +
		    (row.matched_service || (row.decision === "passthrough" ?
		    "(none)" : ""))),
		cell("keys", undefined, row.credential_keys.join(", ")),
		cell("actor", row.actor_name ?? row.actor_id, actor(row)),
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
		h("span.c-status", { role: "gridcell", "data-key": "kind",
		    "data-value": row.kind }, row.kind === "gap" ? "missing" :
		    row.kind),
		h("span.c-note", { role: "gridcell", title: words.note(row),
		    "aria-colspan": 4 }, words.note(row)),
		h("span.c-actor", { role: "gridcell", title: actor(row),
		    "aria-colindex": 7 }, actor(row))
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
		    "aria-colcount": COLUMNS.length }, this.head, this.space,
		    this.cut = h("p.hint", { hidden: true }));
		this.view.addEventListener("scroll", () => this.scrolled());
		// Rows move below the pointer: what it was pressed on counts.
		this.view.addEventListener("pointerdown", (e) => {
			this.down = e.button === 0 ? this.under(e) : null;
		});
		this.view.addEventListener("pointerup", (e) => {
			const d = this.down;

			this.down = null;
			if (d && Math.hypot(e.clientX - d.x,
			    e.clientY - d.y) < 6)
				this.clicked(d, e);
		});
		this.view.addEventListener("click", (e) => e.detail === 0 &&
		    this.clicked(this.under(e), e));
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
		    .getPropertyValue("--row")) || 24;
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
		this.cut.textContent = `The first ${format.count(PRINTED)} of ` +
		    `${format.some(this.list.length, "row")} are printed; an ` +
		    "export has all.";
		this.space.style.height = `${this.list.length * r}px`;
		v.setAttribute("aria-rowcount", this.list.length + 1);
		for (const [row, el] of this.drawn) {
			if (!keep.has(row)) {
				el.remove();
				this.drawn.delete(row);
			}
		}
		shown.forEach((row, i) => {
			before = this.place(row, from + i, before, r);
		});
		if (keep.has(this.selected))
			v.setAttribute("aria-activedescendant", "at");
		else
			v.removeAttribute("aria-activedescendant");
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
		el.id = picked ? "at" : "";
		el.style.transform = `translateY(${i * height}px)`;
		el.dataset.row = i;
		el.setAttribute("aria-rowindex", i + 2);
		el.classList.toggle("selected", picked);
		el.setAttribute("aria-selected", picked);
		return el;
	}

	make(row) {
		const el = h(`div.row.${words.statusClass(row)}`, { role: "row",
		    "data-id": row.id || row.request_id },
		    row.kind === "request" ? request(row, this.on.of(row)) :
		    other(row));

		for (const c of el.querySelectorAll("[data-key]"))
			c.title += "\nAlt+click: only rows with this";
		return el;
	}
}
