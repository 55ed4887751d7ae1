# A script without comments, indentation and blanks that separate nothing, and
# with the short forms of what is frequent.
#
# Strings, templates and regular expressions are left as they are.  It counts
# on how the page is written: a division has a blank behind it, and a regular
# expression has none; each statement that is no block ends in a semicolon,
# and none is empty.

function fail(what)
{
	print FILENAME ": " what >"/dev/stderr"
	bad = 1
	exit 1
}

# What there was before t, and a blank where they would be one word or sign.
function emit(t,	a, b)
{
	a = substr(out, length(out))
	b = substr(t, 1, 1)
	if (out == ";" && b != "}" && b !~ WORD)
		kind[level] = ""
	if (out == ";" && b == "}")
		out = ""
	else if (blank && ((a ~ WORD && b ~ WORD) || (a == b && b ~ /[-+]/)))
		out = out " "
	printf "%s", out
	blank = 0
	out = t
}

# Of a declaration that follows one of its kind the names are enough.
function word(t)
{
	if (t in SHORT)
		t = SHORT[t]
	if (out ~ /^[;{}]$/ || out == "") {
		if (out == ";" && t == kind[level]) {
			out = ","
			blank = 0
			return
		}
		kind[level] = t == "let" ? t : ""
	}
	emit(t)
}

# From a quote or a / at i to the one that ends it; a string that goes on in the
# next line is one.
function quoted(end,	from, c, class, text)
{
	from = i
	for (i++; i <= n; i++) {
		c = substr(s, i, 1)
		if (c == end && end == "\"" &&
		    match(substr(s, i, 40), /^" \+\n\t* *"/)) {
			text = text substr(s, from, i - from)
			i += RLENGTH
			from = i--
			continue
		}
		if (c == "\n")
			fail(substr(s, from, 20) "... has no end")
		if (c == "\\")
			i++
		else if (end == "/" && (c == "[" || c == "]"))
			class = c == "["
		else if (c == end && !class)
			break
	}
	emit(text substr(s, from, ++i - from))
}

# From ` or the } of what is put in to the end of it or the next ${.
function template(	from, c)
{
	from = i
	for (i++; i <= n; i++) {
		c = substr(s, i, 1)
		if (c == "\\")
			i++
		else if (c == "`")
			break
		else if (substr(s, i, 2) == "${") {
			braces[++depth] = 0
			kind[++level] = ""
			i++
			break
		}
	}
	emit(substr(s, from, ++i - from))
}

BEGIN {
	WORD = "[A-Za-z0-9_$]"
	SHORT["const"] = "let"
	SHORT["true"] = "!0"
	SHORT["false"] = "!1"
	SHORT["undefined"] = "void 0"
}

{ s = s $0 "\n" }

END {
	if (bad)
		exit 1
	n = length(s)
	for (i = 1; i <= n; ) {
		c = substr(s, i, 1)
		two = substr(s, i, 2)
		if (c ~ /[ \t\n]/) {
			blank = 1
			i++
		} else if (two == "//")
			i += index(substr(s, i, 200), "\n") - 1
		else if (c == "\"" || c == "'")
			quoted(c)
		else if (c == "/" && two !~ /[ \n=]/)
			quoted(c)
		else if (c == "`")
			template()
		else if (c == "}" && depth > 0 && braces[depth] == 0) {
			depth--
			level--
			template()
		} else if (c == "(" && out !~ /[A-Za-z0-9_$]$/ &&
		    match(substr(s, i, 40), /^\([a-z][A-Za-z]*\) =>/)) {
			emit(substr(s, i + 1, RLENGTH - 5))
			i += RLENGTH - 3
		} else if (c ~ WORD) {
			for (from = i; substr(s, i, 1) ~ WORD; )
				i++
			word(substr(s, from, i - from))
		} else {
			braces[depth] += (c == "{") - (c == "}")
			if (c ~ /[[({]/)
				kind[++level] = ""
			else if (c ~ /[])}]/)
				level--
			emit(c)
			i++
		}
	}
	printf "%s\n", out
}
