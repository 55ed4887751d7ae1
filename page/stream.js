// The rows of a log as they come: what there was first, then live, and an
// honest word on how it stands.

import { set } from "./dom.js";
import { address, get, logPath } from "./http.js";

const BACK_OFF = [300, 2000, 5000, 10000, 30000];
const HIDDEN = 30000;
const SILENT = 45000;		// brokerd says something each 15 s

// States: "connecting", "live", "catching up", "disconnected", "not allowed",
// "signed out".
export class Stream {
	constructor(vault, q, after, on) {
		Object.assign(this, { vault, q, cursor: after, on });
		this.failures = 0;
		this.state = "";
		document.addEventListener("visibilitychange",
		    this.seen = () => this.look());
		this.connect();
		this.look();
	}

	// A browser has six connections to one place, for all of its tabs:
	// those that nobody looks at leave theirs to others.
	look() {
		clearTimeout(this.hidden);
		if (document.hidden)
			this.hidden = setTimeout(() => this.rest(), HIDDEN);
		else if (this.resting) {
			this.resting = false;
			this.connect();
		}
	}

	rest() {
		this.resting = true;
		this.close();
		this.set("connecting");
	}

	close() {
		this.source.close();
		clearTimeout(this.timer);
		clearTimeout(this.silent);
	}

	heard() {
		clearTimeout(this.silent);
		this.silent = setTimeout(() => this.failed(), SILENT);
	}

	set(state) {
		if (this.state !== state) {
			this.state = state;
			this.on.state(state);
		}
	}

	connect() {
		this.set(this.failures ? "disconnected" : "connecting");
		const data = (e) => JSON.parse(e.data);
		const row = (e) => {
			this.cursor = Number(e.lastEventId);
			this.on.row(data(e));
		};

		const on = {
			// Of a request in flight, or that of EventSource, which
			// has no data.
			onopen: (e) => {
				if (e.data !== undefined)
					return this.on.openRow(data(e));
				this.failures = 0;
				this.set("catching up");
			},
			onerror: () => this.failed(), onlog: row, ongap: row,
			// How far it is where nothing matches: from there it
			// goes on.
			onbeat: (e) => {
				this.cursor = Number(e.lastEventId);
			},
			onclose: (e) => this.on.close(data(e)),
			onlive: () => this.set("live"),
			onlagged: () => this.set("catching up"),
			ontrimmed: (e) => this.on.trimmed(data(e))
		};

		for (const [name, act] of Object.entries(on)) {
			on[name] = (e) => {
				this.heard();
				act(e);
			};
		}
		this.heard();
		this.source = set(new EventSource(address(
		    `${logPath(this.vault)}/stream`,
		    { after: this.cursor, q: this.q })), on);
	}

	// It says nothing of why: an ordinary request does.
	async failed() {
		this.close();
		const wait = BACK_OFF[Math.min(this.failures++,
		    BACK_OFF.length - 1)];
		this.set("disconnected");
		try {
			const page = await get(logPath(this.vault),
			    { limit: 1 });

			// A restored database: there is no such row.
			if (!this.ended && page.latest_id < this.cursor)
				return this.on.load();
		} catch (e) {
			if (this.ended)
				return;
			if (e.status === 401)
				return this.end("signed out");
			if (e.status === 403 || e.status === 404)
				return this.end("not allowed");
		}
		if (!this.ended && !this.resting)
			this.timer = setTimeout(() => this.connect(), wait);
	}

	end(state) {
		this.ended = true;
		this.close();
		clearTimeout(this.hidden);
		document.removeEventListener("visibilitychange", this.seen);
		if (state)
			this.set(state);
	}
}
