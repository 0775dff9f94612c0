package httpcache

import (
	"net/http"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// directives are what a Cache-Control field says, as far as a shared cache acts on it (RFC 9111 section 5.2). A duration below zero is absent.
type directives struct {
	noStore, noCache, private, public        bool
	mustRevalidate, proxyRevalidate          bool
	mustUnderstand                           bool
	onlyIfCached, anyStale                   bool // of requests; anyStale is max-stale without a number
	maxAge, sharedMaxAge, minFresh, maxStale time.Duration
	staleWhileRevalidate, staleIfError       time.Duration
	withheld                                 []string // the fields that private="…" and no-cache="…" name, in canonical form
}

const absent = time.Duration(-1)

func noDirectives() directives {
	return directives{
		maxAge: absent, sharedMaxAge: absent, minFresh: absent, maxStale: absent, staleWhileRevalidate: absent, staleIfError: absent,
	}
}

// maxSeconds is what a number of seconds that does not fit counts as: RFC 9111 section 1.2.2.
const maxSeconds = 1 << 31

func asSeconds(n int64) time.Duration { return time.Duration(min(n, maxSeconds)) * time.Second }

// parseDirectives reads the lines of a Cache-Control field. It accepts what any sender may send: a directive that is not understood is
// ignored, one whose number is none counts as the most careful reading (RFC 9111 section 4.2.1: stale), and of one that is given twice the
// most restrictive is taken. A quoted string without an end hides nothing that follows it.
func parseDirectives(lines []string) directives {
	d := noDirectives()
	for _, line := range lines {
		cut := cutMember
		if !isClosed(line) {
			cut = cutAtComma
		}
		for line != "" {
			var member string
			member, line = cut(line)
			name, argument, hasArgument := strings.Cut(member, "=")
			if name = strings.ToLower(trim(name)); name == "" {
				continue
			}
			d.add(name, unquote(trim(argument)), hasArgument)
		}
	}
	return d
}

// cutMember cuts a list at its first comma outside a quoted string.
func cutMember(list string) (member, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// isClosed reports whether all quoted strings of a list have an end.
func isClosed(list string) bool {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case quoted && list[i] == '\\':
			i++
		case list[i] == '"':
			quoted = !quoted
		}
	}
	return !quoted
}

func cutAtComma(list string) (member, rest string) {
	member, rest, _ = strings.Cut(list, ",")
	return member, rest
}

func trim(s string) string { return strings.Trim(s, " \t") }

// unquote returns what a quoted string holds, and anything else as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (d *directives) add(name, argument string, hasArgument bool) {
	switch name {
	case "no-store":
		d.noStore = true
	case "no-cache":
		d.qualify(&d.noCache, argument)
	case "private":
		d.qualify(&d.private, argument)
	case "public":
		d.public = true
	case "must-revalidate":
		d.mustRevalidate = true
	case "proxy-revalidate": // as must-revalidate, but that it allows no sharing: RFC 9111 sections 3.5 and 5.2.2.8
		d.proxyRevalidate = true
	case "must-understand":
		d.mustUnderstand = true
	case "only-if-cached":
		d.onlyIfCached = true
	case "max-age":
		least(&d.maxAge, seconds(argument))
	case "s-maxage":
		least(&d.sharedMaxAge, seconds(argument))
	case "min-fresh":
		d.minFresh = max(d.minFresh, seconds(argument))
	case "max-stale":
		if hasArgument {
			least(&d.maxStale, seconds(argument))
		}
		d.anyStale = d.maxStale == absent
	case "stale-while-revalidate":
		least(&d.staleWhileRevalidate, seconds(argument))
	case "stale-if-error":
		least(&d.staleIfError, seconds(argument))
	}
}

// qualify sets whole, or, where the directive names fields, withholds only these (RFC 9111 sections 5.2.2.4 and 5.2.2.7). What names
// none, or what can be no field's name, is about the whole response.
func (d *directives) qualify(whole *bool, fields string) {
	named := false
	for name := range strings.SplitSeq(fields, ",") {
		if name = trim(name); name != "" {
			if !isFieldName(name) {
				*whole = true
			}
			d.withheld = append(d.withheld, http.CanonicalHeaderKey(name))
			named = true
		}
	}
	if !named {
		*whole = true
	}
}

func least(d *time.Duration, value time.Duration) {
	if *d == absent || value < *d {
		*d = value
	}
}

// seconds reads a delta-seconds; what is none is 0.
func seconds(s string) time.Duration {
	d, ok := parseDelta(s)
	if !ok {
		return 0
	}
	return d
}

// parseDelta reads a number of seconds: digits and nothing else (RFC 9111 section 1.2.2).
func parseDelta(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+int64(s[i]-'0'), maxSeconds)
	}
	return asSeconds(n), true
}

// parseTargeted reads the lines of a targeted field, which is a Dictionary (RFC 9213 section 2.1). What is none, or is empty, is to be
// ignored: ok is false. A member of another type than its directive's is ignored.
func parseTargeted(lines []string) (d directives, ok bool) {
	d = noDirectives()
	dictionary, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil || len(dictionary.Names()) == 0 {
		return d, false
	}
	for _, name := range dictionary.Names() {
		member, _ := dictionary.Get(name)
		item, isItem := member.(httpsfv.Item)
		if !isItem {
			continue
		}
		switch value := item.Value.(type) {
		case bool:
			if value && !takesSeconds(name) {
				d.add(name, "", false)
			}
		case int64:
			if takesSeconds(name) && value >= 0 {
				d.set(name, asSeconds(value))
			}
		case string:
			if name == "private" || name == "no-cache" {
				d.add(name, value, true)
			}
		}
	}
	return d, true
}

func takesSeconds(name string) bool {
	switch name {
	case "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error":
		return true
	}
	return false
}

func (d *directives) set(name string, value time.Duration) {
	switch name {
	case "max-age":
		d.maxAge = value
	case "s-maxage":
		d.sharedMaxAge = value
	case "stale-while-revalidate":
		d.staleWhileRevalidate = value
	case "stale-if-error":
		d.staleIfError = value
	}
}
