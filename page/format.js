// Numbers, times and sizes as people read them.

export const store = {
	get: (k, none) => {
		try { return localStorage.getItem(k) ?? none; }
		catch { return none; }
	},
	set: (k, v) => {
		try { localStorage.setItem(k, v); } catch { /* private */ }
	}
};

// "local", "utc" or "relative"
export let clock = store.get("clock", "local");
export function setClock(c) {
	clock = c;
	store.set("clock", c);
}

export function ago(t) {
	const s = Math.max(0, (Date.now() - t) / 1000);

	if (s < 10)
		return `${s.toFixed(1)} s ago`;
	if (s < 60)
		return `${Math.floor(s)} s ago`;
	if (s < 3600)
		return `${Math.floor(s / 60)} min ago`;
	if (s < 86400)
		return `${Math.floor(s / 3600)} h ago`;
	return `${Math.floor(s / 86400)} d ago`;
}

// In a row: to the millisecond, with the day when it is not today's.
export function time(iso) {
	const t = new Date(iso).getTime();

	if (clock === "relative")
		return ago(t);
	const [date, at] = whole(t, clock === "utc").split(" ");
	return date === today() ? at : `${date.slice(5)} ${at}`;
}

export function today() {
	return whole(Date.now(), clock === "utc").split(" ")[0];
}

// As exact as a step of so many seconds wants it.
export function short(t, step) {
	return clock === "relative" ? ago(t) : time(t).slice(0, step < 60 ?
	    -4 : -7);
}

export function whole(iso, utc) {
	const d = new Date(iso);
	const us = /\.\d{3}(\d{3})/.exec(iso)?.[1] ?? "";

	if (!utc)
		d.setMinutes(d.getMinutes() - d.getTimezoneOffset());
	return d.toISOString().replace("T", " ").replace("Z",
	    us + (utc ? " UTC" : ""));
}

export function latency(us) {
	if (us === null || us === undefined || us < 0)
		return "";
	if (us < 10000)
		return `${(us / 1000).toFixed(1)} ms`;
	if (us < 999500)
		return `${Math.round(us / 1000)} ms`;
	if (us < 59995000)
		return `${(us / 1000000).toFixed(2)} s`;
	const s = Math.round(us / 1000000);
	return `${Math.floor(s / 60)} min ${s % 60} s`;
}

export function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;

	for (; n >= 1023.5 && i < units.length - 1; i++)
		n /= 1024;
	return `${i > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export function count(n) {
	return n.toLocaleString("en");
}

// "1 row", "2,000 rows"
export function some(n, one, many = `${one}s`) {
	return `${count(n)} ${n === 1 ? one : many}`;
}

export function span(hours) {
	return hours % 24 === 0 ? some(hours / 24, "day") :
	    some(hours, "hour");
}
