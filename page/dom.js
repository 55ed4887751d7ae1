// Elements without markup in strings: what comes from the log is only ever
// text.

// h("button.quiet", { onclick: fn, "aria-label": "..." }, child, ...)
export function h(what, attrs, ...children) {
	const [tag, ...classes] = what.split(".");
	const el = document.createElement(tag);

	if (classes.length > 0)
		el.className = classes.join(" ");
	for (const [k, v] of Object.entries(attrs ?? {})) {
		if (k.startsWith("on"))
			el.addEventListener(k.slice(2), v);
		else if (v === true)
			el.setAttribute(k, "");
		else if (v !== false && v !== null && v !== undefined)
			el.setAttribute(k, v);
	}
	fill(el, children);
	return el;
}

export function fill(el, children) {
	el.replaceChildren(...children.flat(Infinity).filter(
	    (c) => c !== null && c !== undefined && c !== false));
	return el;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attrs, ...children) {
	const el = document.createElementNS(SVG, tag);

	for (const [k, v] of Object.entries(attrs ?? {}))
		el.setAttribute(k, v);
	el.append(...children);
	return el;
}

// For who hears the page: what has changed, in a sentence.
export function say(text) {
	document.getElementById("said").textContent = text;
}

// A call at most so often, the last one always.
export function paced(ms, fn) {
	let timer = 0;

	return () => {
		timer ||= setTimeout(() => {
			timer = 0;
			fn();
		}, ms);
	};
}
