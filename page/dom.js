// Elements without markup in strings: what comes from the log is only ever
// text.

// Attributes, of which none, true and false are what HTML has for that, and
// what is done on an event.
export function set(el, attrs) {
	for (const [k, v] of Object.entries(attrs)) {
		if (k.startsWith("on"))
			el.addEventListener(k.slice(2), v);
		else if (v === false || v === null || v === undefined)
			el.removeAttribute(k);
		else
			el.setAttribute(k, v === true ? "" : v);
	}
	return el;
}

// h("button.quiet", { onclick: fn, "aria-label": "..." }, child, ...); the
// attributes may be left out.
export function h(what, attrs, ...children) {
	const [tag, ...classes] = what.split(".");
	const el = document.createElement(tag);

	if (classes.length > 0)
		el.className = classes.join(" ");
	if (attrs?.constructor === Object)
		set(el, attrs);
	else
		children.unshift(attrs);
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
	return fill(set(document.createElementNS(SVG, tag), attrs), children);
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
