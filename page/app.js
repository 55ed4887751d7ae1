// The page: who is signed in, which vault, and the tab that is shown.

import { h, fill, paced } from "./dom.js";
import { address as url } from "./http.js";
import * as session from "./session.js";
import { Logs } from "./logs.js";

const root = document.getElementById("app");
let view = null;
let late = {};			// what of the address is not written yet
let often = 0, asked = 0;	// how often it is written of late
let leaving = null;		// what waits for a step back to be done

// What is looked at is in the address, for a link to it and the back button.
export function address() {
	const p = changed(late);

	return { vault: p.get("vault"), q: p.get("q") ?? "",
	    row: /^[1-9]\d*$/.test(p.get("row")) ? Number(p.get("row")) : null,
	    paused: p.get("paused") === "1" };
}

function changed(change) {
	const p = new URLSearchParams(location.search);

	for (const [k, v] of Object.entries(change)) {
		if (v === null || v === "" || v === false)
			p.delete(k);
		else
			p.set(k, v === true ? "1" : v);
	}
	return p;
}

function write(change, replace) {
	const p = changed(change), to = String(p) && `?${p}`;

	late = {};
	if (to === location.search)
		return;
	if (replace)
		history.replaceState(p.has("row") ? history.state : null, "",
		    `/${to}`);
	else
		history.pushState(change.row ? "row" : null, "", `/${to}`);
}

// Browsers refuse to write it more often than some ten times a second, as who
// holds a key down would: after a few times it waits.
const writeLate = paced(300, () => write(late, true));

// A row is one step from the list, wherever one goes from there.
export function setAddress(change, replace) {
	const now = Date.now();

	if (leaving !== null)
		return void leaving.push([change, replace]);
	if (!replace) {
		write(late, true);
		return write(change, false);
	}
	Object.assign(late, change);
	often = Math.max(0, often - (now - asked) / 300) + 1;
	asked = now;
	if (often > 10)
		writeLate();
	else
		write(late, true);
}

// Back to the list that a row was chosen from, if that is the step before.
export function leaveRow() {
	if (history.state !== "row" || leaving !== null)
		return;
	leaving = [];
	late = {};
	history.back();
}

function moved(me, list) {
	const todo = leaving;

	leaving = null;
	late = {};
	if (todo !== null)
		todo.forEach((one) => setAddress(...one));
	else if (!view?.moved(address()))
		open(me, list);
}

function signIn(why) {
	view?.end();
	view = leaving = window.onpopstate = null;
	document.title = "brokerd";
	session.form(root, why, (login) => start(login.vault));
}

async function signOut() {
	let why = "You are signed out.";

	view?.end();
	view = null;
	try {
		await session.signOut();
	} catch (e) {
		if (e.status !== 401)
			why = `You may still be signed in: ${e.message}`;
	}
	setAddress({ vault: null, q: null, row: null, paused: null }, true);
	signIn(why);
}

// "*" is the instance log.
function places(me) {
	const list = (me.vaults ?? []).filter((v) => v.role !== "proxy")
	    .map((v) => [v.name, v.name]);

	if (me.is_owner)
		list.push(["*", "Instance log, all vaults"]);
	return list;
}

function frame(me, list, vault) {
	const main = h("main");
	const chooser = h("select", { "aria-label": "Vault",
	    onchange: () => {
		setAddress({ vault: chooser.value, row: null });
		open(me, list);
		root.querySelector("select").focus();
	    } }, list.map(([v, name]) => h("option", { value: v,
	    selected: v === vault }, name)));

	fill(root, [h("header",
	    h("a.brand", { href: "/" }, h("img", { src: "/page/icon.svg",
		alt: "brokerd", width: 18, height: 18 }),
		h("span", { "aria-hidden": "true" }, "brokerd")),
	    list.length > 0 ? chooser : null,
	    h("nav", { "aria-label": "Views" },
		h("a", { "aria-current": "page", href: vault === null ? "/" :
		    url("/", { vault }) }, "Logs")),
	    h("span.who", me.name ?? me.agent_name ?? "session"),
	    h("button.quiet", { onclick: signOut }, "Sign out")), main]);
	return main;
}

function open(me, list) {
	const at = address();
	const vault = list.some(([v]) => v === at.vault) ? at.vault :
	    list[0]?.[0];

	view?.end();
	view = null;
	if (vault === undefined) {
		const main = frame(me, list, null);
		fill(main, [h("p.state", h("b",
		    "There is no log that you may read."), " It takes the " +
		    "role member in a vault, or the instance role owner.")]);
		return;
	}
	if (at.vault !== vault)
		setAddress(at.vault === null ? { vault } :
		    { vault, row: null }, true);
	document.title = `${vault === "*" ? "Instance log" : vault} – ` +
	    "brokerd";
	view = new Logs(frame(me, list, vault), vault === "*" ? null : vault,
	    signIn, new Map(me.vaults?.map((v) => [v.vault_id, v.name])));
}

async function start(vault) {
	let me;

	try {
		me = await session.me();
	} catch (e) {
		return signIn(e.status === 401 ? null : e.message);
	}
	if (vault && address().vault === null)
		setAddress({ vault }, true);
	const list = places(me);
	window.onpopstate = () => moved(me, list);
	open(me, list);
}

async function begin() {
	const token = session.linkToken();

	if (token === null)
		return start();
	try {
		const login = await session.exchange(token);

		await start(login.vault);
	} catch (e) {
		signIn(e.status === 401 ? "This link has been used, or is " +
		    "older than a minute: brokerctl open prints a new one." :
		    e.message);
	}
}

window.addEventListener("hashchange", begin);
begin();
