// The search box: the grammar of brokerctl logs and of the API, completed
// from what occurs in the log, and chips for what is asked for often.

import { h, fill, set } from "./dom.js";
import { get, logPath } from "./http.js";

const FIXED = {
	status: ["2xx", "3xx", "4xx", "5xx", "404", "429", "500-599"],
	status_bucket: ["err", "2xx", "3xx", "4xx", "5xx"],
	min_ms: ["100", "500", "1000", "5000"],
	since: ["15m", "1h", "6h", "1d", "2d"], until: ["15m", "1h", "1d"],
	path: ["*"]
};
const LISTED = ["actor", "decision", "error_code", "host", "ingress", "kind",
    "method", "service", "vault"];
const KEYS = [...LISTED, ...Object.keys(FIXED), "request_id"].sort();
const CHIPS = [["status_bucket:err", "Errors"], ["decision:blocked",
    "Blocked"], ["status:4xx", "4xx"], ["status:5xx", "5xx"],
    ["min_ms:1000", "Slow (1 s)"]];

// Terms have blanks between them, but for those in quotes.
export function terms(q) {
	return q.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [];
}

export function term(key, value) {
	return `${key}:${/^[^\s,"!][^\s,"]*$/.test(value) ? value :
	    `"${String(value).replace(/["\\]/g, "\\$&")}"`}`;
}

export function toggle(q, t) {
	const all = terms(q);

	return (all.includes(t) ? all.filter((x) => x !== t) :
	    [...all, t]).join(" ");
}

// One term for a key: another takes its place.
export function put(q, key, value) {
	const rest = terms(q).filter((t) => !t.startsWith(`${key}:`));

	return (value === null ? rest : [...rest, term(key, value)]).join(" ");
}

export class Filter {
	// changed(q); left(): the focus has to go elsewhere
	constructor(vault, q, changed, left) {
		Object.assign(this, { vault, q, changed, left, at: -1,
		    found: [] });
		this.input = h("input", { type: "search", id: "q", value: q,
		    placeholder:
			"Filter, such as status:5xx host:*.example.com",
		    autocomplete: "off", autocapitalize: "off",
		    spellcheck: "false", role: "combobox",
		    "aria-label": "Filter", "aria-expanded": "false",
		    "aria-autocomplete": "list", "aria-controls": "found",
		    "aria-describedby": "wrong",
		    oninput: () => this.complete(),
		    onfocus: () => this.complete(),
		    onblur: () => this.close(),
		    onsearch: () => this.input.value === "" && this.set(""),
		    onkeydown: (e) => this.key(e) });
		this.list = h("ul.found", { id: "found", role: "listbox",
		    "aria-label": "Suggestions", hidden: true,
		    onmousedown: (e) => {
			const i = e.target.dataset?.i;

			e.preventDefault();
			if (i !== undefined)
				this.take(Number(i));
		    } });
		this.wrong = h("p.wrong", { id: "wrong", role: "alert",
		    hidden: true });
		this.chips = h("div.chips", { role: "group",
		    "aria-label": "Common filters" });
		this.el = h("div.filter", { role: "search" }, h("div.box",
		    this.input, this.list), this.wrong);
		this.draw();
	}

	draw() {
		const have = terms(this.q);
		const own = CHIPS.map(([t, name]) => this.chip(t, name,
		    have.includes(t)));
		const ask = [["service", "Service …"], ["actor", "Actor …"]]
		    .map(([k, name]) => h("button.chip", {
		    onclick: () => this.ask(k) }, name));

		const at = [...this.chips.children].indexOf(
		    document.activeElement);

		fill(this.chips, [...own, ...ask, have.length > 0 ?
		    h("button.quiet", { onclick: () => this.clear() },
		    "Clear") : null]);
		this.chips.children[at]?.focus();
	}

	chip(t, name, on) {
		return h("button.chip", { "aria-pressed": String(on),
		    onclick: () => this.set(toggle(this.q, t)) }, name);
	}

	// A key whose value is still to be chosen.
	ask(key) {
		this.input.value = `${this.q} ${key}:`.trimStart();
		this.input.focus();
		this.complete();
	}

	set(q) {
		this.q = this.input.value = q;
		this.fault(null);
		this.close();
		this.draw();
		this.changed(q);
	}

	// The button for it goes.
	clear() {
		this.set("");
		this.left();
	}

	// An error of the server's, which says where it is.
	fault(e) {
		this.wrong.hidden = e === null;
		this.wrong.textContent = e ? `${e.message[0].toUpperCase()}` +
		    `${e.message.slice(1)}.` : "";
		this.input.setAttribute("aria-invalid", e !== null);
		if (e?.body.at !== undefined && e.body.parameter === "q" &&
		    document.activeElement === this.input) {
			// It counts bytes, a browser does not.
			const v = this.input.value;
			const before = new TextEncoder().encode(v)
			    .slice(0, e.body.at);

			this.input.setSelectionRange(new TextDecoder().decode(
			    before).length, v.length);
		}
	}

	key(e) {
		if (e.key === "Enter") {
			if (this.at >= 0)
				this.take(this.at);
			else
				this.set(this.input.value.trim());
		} else if (e.key === "Escape") {
			if (!this.list.hidden)
				this.close();
			else
				this.input.blur();
			e.stopPropagation();
		} else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
			const n = this.found.length;

			if (n > 0)
				this.mark((this.at + (e.key === "ArrowDown" ?
				    1 : this.at < 0 ? n : n - 1)) % n);
		} else
			return;
		e.preventDefault();
	}

	// The word at the cursor: where it begins, its key and the last of its
	// values; the | is what would be typed there.
	word() {
		const end = this.input.selectionStart;
		const last = terms(`${this.input.value.slice(0, end)}|`)
		    .at(-1).slice(0, -1);
		const [, not, key, colon, list] =
		    /^(!?)(\w*)(:?)(.*)$/.exec(last) ?? [];

		return list !== undefined && { from: end - last.length, end,
		    not, key, colon, value: `${list}|`.match(
		    /(?:"(?:\\.|[^"\\])*"?|[^,"])+/g).at(-1).slice(0, -1)
		    .replace(/^!/, "") };
	}

	async complete() {
		const w = this.word(), was = this.asked;
		let found = [];

		this.abort?.abort();
		this.asked = null;
		if (!w)
			return this.close();
		if (!w.colon) {
			found = KEYS.filter((k) => k.startsWith(w.key) &&
			    (this.vault === null || k !== "vault"))
			    .map((k) => `${k}:`);
		} else if (FIXED[w.key]) {
			found = FIXED[w.key].filter((v) =>
			    v.startsWith(w.value));
		} else if (LISTED.includes(w.key)) {
			// Meanwhile what was found for less of it.
			this.show(was === w.key ? this.found.filter((f) =>
			    f.startsWith(w.value)) : []);
			this.asked = w.key;
			this.abort = new AbortController();
			try {
				found = (await get(`${logPath(this.vault)}` +
				    "/values", { key: w.key, limit: 12,
				    prefix: w.value.replace(/^"/, "") },
				    this.abort.signal)).values;
			} catch {
				return;
			}
		}
		this.show(found.slice(0, 15));
	}

	show(found) {
		this.found = document.activeElement === this.input ? found : [];
		this.at = -1;
		fill(this.list, this.found.map((f, i) => h("li", { id: `f${i}`,
		    role: "option", "data-i": i, "aria-selected": "false" },
		    f === "" ? "\"\" (none)" : f)));
		this.list.hidden = this.found.length === 0;
		set(this.input, { "aria-activedescendant": null,
		    "aria-expanded": String(!this.list.hidden) });
	}

	mark(i) {
		this.list.children[this.at]?.setAttribute("aria-selected",
		    "false");
		this.at = i;
		this.list.children[i].setAttribute("aria-selected", "true");
		this.list.children[i].scrollIntoView({ block: "nearest" });
		this.input.setAttribute("aria-activedescendant", `f${i}`);
	}

	take(i) {
		const w = this.word(), f = this.found[i], v = this.input.value;
		const text = w.colon ? term("", f).slice(1) : f;
		const at = w.colon ? w.end - w.value.length :
		    w.from + w.not.length;

		this.input.value = v.slice(0, at) + text +
		    (w.colon ? " " : "") + v.slice(w.end).trimStart();
		this.input.setSelectionRange(at + text.length +
		    (w.colon ? 1 : 0), at + text.length + (w.colon ? 1 : 0));
		if (w.colon)
			this.set(this.input.value.trim());
		else
			this.complete();
	}

	close() {
		this.abort?.abort();
		this.show([]);
	}
}
