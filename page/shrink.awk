# A script without comments, indentation and blanks that separate nothing.
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

# What there was before t, with what has to stay between them: a blank, where
# they would be one word or sign; the end of a line behind a condition.
function emit(t,	a, b)
{
	a = substr(out, length(out))
	b = substr(t, 1, 1)
	if (out == ";" && b == "}")
		out = ""
	else if (line && out != "" && a !~ /[[;,{}(=?:&|<>*!]/ &&
	    b !~ /[].,)}?:&|]/)
		out = out "\n"
	else if ((blank || line) && ((a ~ WORD && b ~ WORD) ||
	    (a == b && b ~ /[-+]/)))
		out = out " "
	printf "%s", out
	line = blank = 0
	out = t
}

# From a quote or a / at i to the one that ends it.
function quoted(end,	from, c, class)
{
	from = i
	for (i++; i <= n; i++) {
		c = substr(s, i, 1)
		if (c == "\n")
			fail("what begins with " substr(s, from, 20) " has no end")
		if (c == "\\")
			i++
		else if (end == "/" && (c == "[" || c == "]"))
			class = c == "["
		else if (c == end && !class)
			break
	}
	emit(substr(s, from, ++i - from))
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
			i++
			break
		}
	}
	emit(substr(s, from, ++i - from))
}

BEGIN {
	WORD = "[A-Za-z0-9_$]"
}

{ s = s $0 "\n" }

END {
	if (bad)
		exit 1
	n = length(s)
	for (i = 1; i <= n; ) {
		c = substr(s, i, 1)
		two = substr(s, i, 2)
		if (c == "\n") {
			line = 1
			i++
		} else if (c == " " || c == "\t") {
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
			template()
		} else {
			braces[depth] += (c == "{") - (c == "}")
			emit(c)
			i++
		}
	}
	printf "%s\n", out
}
