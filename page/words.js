// What codes mean, in words, and what to do next.

import { some } from "./format.js";

const REASON = {
	101: "switched protocols", 200: "OK", 201: "created", 202: "accepted",
	204: "no content", 206: "partial", 301: "moved", 302: "found",
	303: "see other", 304: "not modified", 400: "bad request",
	401: "not authorized",
	403: "forbidden", 404: "not found", 405: "method not allowed",
	407: "proxy login needed", 408: "too slow", 409: "conflict",
	410: "gone", 413: "too large", 415: "wrong type", 421: "wrong host",
	422: "not valid", 429: "too many requests", 500: "server error",
	501: "not implemented", 502: "bad gateway", 503: "unavailable",
	504: "gateway timeout"
};

// error_code: [ few words, a sentence, what to do ]
const ERROR = {
	rate_limited: ["rate limited", "The agent asked more often than its " +
	    "limit allows.", "Wait, or raise the limit."],
	concurrency_limited: ["too many at once", "Too many requests of this " +
	    "agent were under way.", "Let it ask for less at a time."],
	request_too_large: ["request too large", "The request was larger " +
	    "than brokerd takes.", "Send it in parts."],
	request_read_error: ["upload broke off", "The request's body did not " +
	    "arrive whole, or was not valid.", "Look at the agent."],
	bad_request: ["bad request", "What the agent sent is not valid HTTP, " +
	    "or asks for what brokerd does not do.", "Look at the agent."],
	misdirected: ["wrong host", "The Host field names another host than " +
	    "the tunnel leads to.", "Look at the agent: this is how one " +
	    "host's credential would be sent to another."],
	no_match: ["no service", "No service of the vault covers this host " +
	    "and path, and the vault denies all others.",
	    "If the agent should get there, add a service for the host."],
	method_denied: ["method denied", "The service does not allow this " +
	    "method.", "If it should, add the method to the service."],
	plaintext_denied: ["needs TLS", "A credential would have gone over " +
	    "plain HTTP.", "Use https, or allow plaintext in the service."],
	service_disabled: ["service disabled", "The service for this host is " +
	    "disabled.", "Enable it: brokerctl service enable"],
	credential_not_found: ["no credential", "The vault does not have the " +
	    "credential that the service needs.",
	    "Set it: brokerctl credential set NAME"],
	substitution_error: ["not substituted", "A placeholder could not be " +
	    "replaced by its credential.", "Look at the service."],
	address_blocked: ["address blocked", "The host's address is private, " +
	    "loopback or a cloud's metadata service.", "If it is meant to " +
	    "be reached: network allow in brokerd.conf."],
	dns_error: ["name not found", "The host's name has no address.",
	    "Is it spelled right? Does the machine's resolver work?"],
	connect_error: ["no connection", "The upstream took no connection.",
	    "Is it up, and its port right?"],
	tls_error: ["TLS failed", "The upstream's certificate could not be " +
	    "verified, or TLS failed.", "Is the certificate valid for this " +
	    "host? A private CA belongs in upstream ca."],
	upstream_timeout: ["upstream too slow", "The upstream did not answer " +
	    "in time.", "Ask again, or raise upstream head in " +
	    "brokerd.conf."],
	upstream_error: ["upstream failed", "The upstream closed the " +
	    "connection or answered with what is not HTTP.",
	    "Ask again; then ask whoever runs it."],
	upstream_truncated: ["answer broke off", "The upstream's answer " +
	    "ended before it was whole.", "The agent got a part of it only."],
	response_too_large: ["answer too large", "The answer was larger than " +
	    "brokerd passes on.", ""],
	response_truncated: ["not read to the end", "The agent did not read " +
	    "the answer, which was cut.", "Look at the agent."],
	client_closed: ["agent left", "The agent closed its connection " +
	    "before the answer had gone out.",
	    "Perhaps it waits too short a time."],
	revoked: ["revoked", "The agent's token, its grant or the service " +
	    "was taken away meanwhile.", "Nothing, if you meant it."],
	overloaded: ["overloaded", "brokerd had too much to do.",
	    "Ask again; brokerctl status shows what is full."],
	shutdown: ["shut down", "brokerd was stopped while this was under " +
	    "way.", "The agent may ask again."],
	log_unavailable: ["log unavailable", "The record could not be " +
	    "written, and the log is in strict mode.",
	    "brokerctl status says what is wrong with the disk."],
	worker_lost: ["end not known", "The process that handled this died: " +
	    "how it ended is not known.", "The upstream may have done what " +
	    "it was asked."],
	internal: ["internal error", "brokerd failed.",
	    "See its text log, and report it."]
};

const EVENT = {
	auth_failed: "Authentication failed",
	vault_denied: "No right to the vault",
	vault_not_found: "There is no such vault",
	tls_client_error: "TLS with the agent failed",
	sni_mismatch: "The agent asked TLS for another host",
	orphan_vault: "A record of a vault that does not exist",
	log_started: "The log was opened",
	log_unclean: "The machine was not stopped cleanly: rows may be missing",
	clock_step: "The clock was moved",
	worker_died: "A worker process died"
};

const GAP = {
	unlogged: "they went on while the log could not take them",
	"with worker": "worker and log died together",
	committed: "they were committed and are not in the file any more",
	refused: "the database refused them"
};

const DECISION = {
	brokered: "with a credential of a service",
	passthrough: "passed on without a credential",
	blocked: "not let through",
	error: "failed before it was sent"
};

export function statusClass(row) {
	if (row.kind === "gap")
		return "gap";
	if (row.kind !== "request")
		return "note";
	if (row.open)
		return "open";
	if (row.error_code !== "" && (row.status ?? 0) < 400)
		return "s5";
	if (row.status === null || row.status === 0)
		return "s5";
	return `s${Math.floor(row.status / 100)}`;
}

// The status cell: a number and what it means.
export function status(row) {
	if (row.open)
		return ["…", "in flight"];
	const n = row.status === null ? "?" : row.status === 0 ? "–" :
	    String(row.status);
	if (row.error_code !== "")
		return [n, ERROR[row.error_code]?.[0] ?? row.error_code];
	return [n, REASON[row.status] ??
	    ["", "information", "success", "redirect", "client error",
	    "server error"][Math.floor((row.status ?? 0) / 100)] ?? ""];
}

// Whose error it is, in a sentence, and what to do.
export function explain(row) {
	if (row.kind === "gap")
		return ["Requests went through that have no row.",
		    "All others have theirs."];
	if (row.kind === "event")
		return [EVENT[row.action] ?? row.action, ""];
	if (row.kind === "audit")
		return ["A change or a reveal through the API.", ""];
	if (row.open)
		return ["The request is under way.", ""];
	if (row.error_code !== "") {
		const e = ERROR[row.error_code];

		return e ? [e[1], e[2]] : [row.error_code, ""];
	}
	if (row.status >= 400)
		return ["The upstream answered with this; brokerd had no " +
		    "part in it.", row.status === 401 || row.status === 403 ?
		    "Is the credential valid, and has it this right?" : ""];
	return ["", ""];
}

export function gap(row) {
	const why = GAP[row.detail?.lost];

	return `${some(row.count, "request is", "requests are")} missing here` +
	    (why ? `: ${why}` : "");
}

// The text of a row that is no request.
export function note(row) {
	const d = row.detail && typeof row.detail === "object" ?
	    Object.entries(row.detail).filter(([, v]) => v !== "")
	    .map(([k, v]) => `${k} ${v}`).join(", ") : row.detail ?? "";

	if (row.kind === "gap")
		return gap(row);
	if (row.kind === "event")
		return `${EVENT[row.action] ?? row.action}` +
		    (row.count > 1 ? ` (${row.count} times)` : "") +
		    (row.host ? ` – ${row.host}` : "") +
		    (d ? ` – ${d}` : "");
	return `${row.action}${d ? ` – ${d}` : ""}`;
}

export function decision(row) {
	return DECISION[row.decision] ?? "";
}
