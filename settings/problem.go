package settings

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shownValue is how much of a value a problem shows, in bytes. Who mistook a
// variable for another one needs no more to recognise it.
const shownValue = 64

// Problem is one thing that is wrong with one variable. No field holds a secret
// or the text of a parser.
type Problem struct {
	Var     string // the variable, such as APP_PORT
	Value   string // what it was; "" for a secret, a URL, or one that is not set
	Why     string // what is wrong with it, to follow "APP_PORT=99999: "
	Allowed string // what would be right, to follow "allowed: "; may be ""
}

// Error is one line: VAR=value: why; allowed: what. A value that looks like a
// URL or like credentials is left out even where Value has it, since people
// paste those into the wrong variable.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Var)
	if p.Value != "" && !maySecret(p.Value) {
		b.WriteString("=" + shown(p.Value))
	}
	b.WriteString(": " + p.Why)
	if p.Allowed != "" {
		b.WriteString("; allowed: " + p.Allowed)
	}
	return b.String()
}

// Problems is an error of one line per problem.
type Problems []Problem

// Error is each problem's line, without a newline at the end.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// maySecret tells whether a value could hold credentials: a URL, or user:pw@host.
func maySecret(value string) bool {
	return strings.Contains(value, "://") || strings.Contains(value, "@")
}

// shown is a value on one line: cut where it is long, quoted where it has
// spaces or what a terminal would act on.
func shown(value string) string {
	cut := ""
	if len(value) > shownValue {
		value, cut = value[:shownValue], "…"
		for !utf8.ValidString(value) && len(value) > shownValue-utf8.UTFMax {
			value = value[:len(value)-1]
		}
	}
	if !plain(value) {
		value = strconv.Quote(value)
	}
	return value + cut
}

// plain tells whether a value can be printed as it is.
func plain(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"'
	})
}
