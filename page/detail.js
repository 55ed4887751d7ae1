// All that is known of one row, what it means, and where to go from it.

import { h, fill, say } from "./dom.js";
import * as format from "./format.js";
import * as words from "./words.js";
import { actor } from "./rows.js";
import { term } from "./filter.js";

const quote = (s) => /^[\w@%+=:,./-]+$/.test(s) ? s :
    `'${String(s).replace(/'/g, "'\\''")}'`;

export class Detail {
	// on: close(), step(n), filter(key, value)
	constructor(vault, names, on) {
		Object.assign(this, { vault, names, on });
		this.el = h("aside.detail", { hidden: true, tabindex: -1,
		    "aria-label": "Details of the row" });
	}

	command(row) {
		return `brokerctl logs ${this.vault === null ? "--instance" :
		    `-v ${quote(this.vault)}`} ${row.kind === "request" ?
		    `--id ${row.request_id} -o wide` :
		    `--after-cursor ${row.id - 1} -n 1 -o json`}`;
	}

	async copy(what, text) {
		try {
			await navigator.clipboard.writeText(text);
			say(`${what} is in the clipboard.`);
			this.note.textContent = `${what} copied`;
		} catch {
			this.note.textContent = text;
		}
	}

	field(name, value, key, filter) {
		if (value === "" || value === null || value === undefined)
			return null;
		return [h("dt", name), h("dd", key ?
		    h("button.link", { title: `Show only ${term(key,
		    filter ?? value)}`, onclick: () => this.on.filter(key,
		    filter ?? value) }, value) : value)];
	}

	fields(row) {
		const f = (...a) => this.field(...a);
		const [code, word] = words.status(row);

		// A vault that has gone, or is not the caller's, has a number.
		const vault = this.names.get(row.vault_id) ?? row.vault_id;

		return [
			this.vault === null ? f("Vault", vault ??
			    "instance log", "vault", vault ?? 0) : null,
			f("Began", format.whole(row.created_at, false)),
			f("", format.whole(row.created_at, true)),
			row.kind === "request" ? [
			    f("Status", `${code} ${word}`,
				row.status ? "status" : null, row.status),
			    f("Error code", row.error_code, "error_code"),
			    f("Decision", row.decision, "decision"),
			    f("", words.decision(row)),
			    f("Request", row.method, "method"),
			    f("Host", row.host, "host"),
			    f("Path", row.path + (row.path_cut ?
				` (${row.path_cut})` : ""), "path",
				row.path.replace(/[*?\\]/g, "\\$&")),
			    f("Service", row.matched_service, "service"),
			    f("Credentials", row.credential_keys.join(", ")),
			    f("Took", row.open ? "" :
				format.latency(row.latency_us)),
			    f("First byte", format.latency(row.ttfb_us)),
			    f("Body", `${format.bytes(row.bytes_in)} from ` +
				`the agent, ${format.bytes(row.bytes_out)} ` +
				"to it"),
			    f("Way in", row.ingress, "ingress"),
			    f("Protocol", row.protocol),
			    f("Connection", row.conn),
			    f("Own auth", row.auth_scheme &&
				`${row.auth_scheme} in ${row.auth_header}`),
			    f("Upstream", row.upstream_addr)
			] : [
			    f("Kind", row.kind, "kind"),
			    f("What", row.action),
			    f("Host", row.host), f("Count", row.count || "")
			],
			f("Who", actor(row), "actor", row.actor_name ??
			    row.actor_id),
			f("", `${row.actor_type} ${row.actor_id}`.trim()),
			f("Session", row.session),
			f("From", row.client_addr),
			f("Request id", row.request_id, "request_id"),
			f("Trace id", row.trace_id),
			f("Row", row.id || ""), f("Position", row.seq ?
			    `${row.seq} of worker ${row.instance}` : "")
		];
	}

	show(row) {
		const [what, next] = words.explain(row);

		const at = [...this.el.querySelectorAll("button")].indexOf(
		    document.activeElement);

		this.el.hidden = false;
		this.note = h("span.hint");
		fill(this.el, [h("div.bar",
		    h("h2", row.kind === "request" ?
			`${row.method} ${row.host}` : words.note(row)),
		    h("button", { onclick: () => this.on.step(-1),
			title: "Newer (k)" }, "Newer"),
		    h("button", { onclick: () => this.on.step(1),
			title: "Older (j)" }, "Older"),
		    h("button.quiet", { onclick: () => this.on.close(),
			title: "Close (Esc)", "aria-label": "Close" }, "✕")),
		    what ? h("p.why", h("b", what),
			next ? ` ${next}` : "") : null,
		    h("dl", this.fields(row)),
		    row.detail ? h("pre",
			JSON.stringify(row.detail, null, 2)) : null,
		    h("div.bar",
			h("button", { onclick: () => this.copy("JSON",
			    JSON.stringify(row, null, 2)) }, "Copy as JSON"),
			h("button", { onclick: () => this.copy("The command",
			    this.command(row)) }, "Copy as command"),
			this.note)]);
		if (at >= 0)
			this.el.querySelectorAll("button")[at]?.focus();
	}

	hide() {
		this.el.hidden = true;
	}
}
