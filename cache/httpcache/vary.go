package httpcache

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// maxNominated is how many fields Vary may name. What names more is not stored.
const maxNominated = 16

// nominated returns the fields that Vary names, in canonical form, sorted, each once. ok is false where it names "*", which nothing
// matches (RFC 9111 section 4.1), what is no field name, or too many.
func nominated(h http.Header) (names []string, ok bool) {
	for _, line := range h[vary] {
		for name := range strings.SplitSeq(line, ",") {
			switch name = trim(name); {
			case name == "":
				continue
			case name == "*" || !isFieldName(name):
				return nil, false
			}
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	names = sortedOnce(names)
	return names, len(names) <= maxNominated
}

// isFieldName reports whether a member of a list has none of what shows that it is no name.
func isFieldName(s string) bool { return !strings.ContainsAny(s, " \t\"") }

func sortedOnce(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// variantOf returns what tells the response to r from those to other requests for the target: a hash of the fields that Vary names and of the
// fields that route a request, which handlers read without saying so. It is "" where there are none of either.
//
// Fields match where they are equal after the whitespace around their members and the division into lines are made uniform (RFC 9111 section 4.1);
// one that is absent matches none that is there.
func variantOf(r *http.Request, names []string) string {
	routing := routingOf(r.Header)
	if len(names) == 0 && len(routing) == 0 {
		return ""
	}
	var b []byte
	for _, name := range names {
		lines, there := r.Header[name]
		if name == "Host" { // net/http keeps it elsewhere
			lines, there = []string{r.Host}, true
		}
		b = appendPart(b, name)
		if !there {
			b = append(b, '-')
			continue
		}
		b = appendPart(b, uniform(lines))
	}
	for _, name := range routing {
		b = appendRouting(b, name, r.Header[name])
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// uniform joins the lines of a field to one, its members apart by ", ".
func uniform(lines []string) string {
	var b strings.Builder
	first := true
	for _, line := range lines {
		for line != "" {
			var member string
			member, line = cutMember(line)
			if member = trim(member); member == "" {
				continue
			}
			if !first {
				b.WriteString(", ")
			}
			b.WriteString(member)
			first = false
		}
	}
	return b.String()
}

// routingOf returns the fields of h, sorted, that change what URL, host or method a handler takes a request to have. Frameworks read them
// and few answers name them in Vary: unkeyed, one request with them would choose what all others get.
func routingOf(h http.Header) []string {
	var found []string
	for name := range h {
		if isRouting(name) {
			found = append(found, name)
		}
	}
	if len(found) > 1 {
		slices.Sort(found)
	}
	return found
}

func isRouting(name string) bool {
	switch name {
	case "Forwarded", "Front-End-Https", "Cloudfront-Forwarded-Proto":
		return true
	}
	if !strings.HasPrefix(name, "X-") {
		return false
	}
	switch name {
	case "X-Host", "X-Http-Method", "X-Request-Uri", "X-Scheme", "X-Script-Name", "X-Url-Scheme":
		return true
	case "X-Forwarded-Client-Cert": // a credential
		return false
	}
	if strings.HasSuffix(name, "-For") { // who asks, not for what
		return false
	}
	return strings.HasPrefix(name, "X-Forwarded") || strings.Contains(name, "-Original-") || strings.HasPrefix(name, "X-Rewrite-") ||
		strings.HasPrefix(name, "X-Override-") || strings.HasSuffix(name, "-Override")
}

// appendRouting appends such a field as it is, but for what names the client: a cache of one page for each client is none.
func appendRouting(b []byte, name string, lines []string) []byte {
	b = appendPart(append(b, '+'), name)
	for _, line := range lines {
		if name == "Forwarded" {
			line = withoutClients(line)
		}
		b = appendPart(b, line)
	}
	return b
}

// withoutClients is a line of Forwarded (RFC 7239 section 4) without the pairs for and by. What a quoted string holds may be cut up, but is not lost.
func withoutClients(line string) string {
	var b strings.Builder
	for i, element := range strings.Split(line, ",") {
		if i > 0 {
			b.WriteByte(',')
		}
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(trim(pair), "=")
			name = strings.ToLower(name)
			if name != "for" && name != "by" || strings.ContainsAny(value, "= \t") { // where others may read a pair of another name
				b.WriteString(trim(pair))
				b.WriteByte(';')
			}
		}
	}
	return b.String()
}
