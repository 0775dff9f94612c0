package settings

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// rule is a check that a field names in its rule tag, on the text of the value.
type rule struct {
	allowed string
	// check says why the text is wrong, "" where it is right, and what is
	// allowed where that is less than the rule's own allowed.
	check func(text string) (why, allowed string)
}

func rules() map[string]rule {
	must := func(ok func(string) bool, why string) func(string) (string, string) {
		return func(text string) (string, string) {
			if ok(text) {
				return "", ""
			}
			return why, ""
		}
	}
	return map[string]rule{
		"text":         {"1 to 100 printable characters", must(isText, "too long, or not printable")},
		"host":         {"a host name or an IP address, without port or brackets", must(isHost, "not a host")},
		"path":         {"a path such as /live, of letters, digits and -._~/", must(isPath, "not a path")},
		"path or none": {"a path such as /metrics, of letters, digits and -._~/, or none", must(isPathOrNone, "not a path")},
		"key prefix":   {"printable characters that end in a colon, such as cache:", must(isKeyPrefix, "not a prefix, or without the colon that keeps app: and app2: apart")},
		"stores":       {"name=backend, separated by commas, each name once; a name has 1 to 64 of A-Z a-z 0-9 _ -", must(isStores, "not a list of named caches")},
		"redis url":    {allowedURL, checkRedisURL},
	}
}

func isText(s string) bool {
	return len([]rune(s)) <= 100 && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && r != '.' })
}

// isPath leaves out what a router would read as a pattern and what a proxy
// would rewrite on the way.
func isPath(s string) bool {
	return strings.HasPrefix(s, "/") && path.Clean(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && !strings.ContainsRune(".~/", r) })
}

func isPathOrNone(s string) bool { return s == "none" || isPath(s) }

func isKeyPrefix(s string) bool { return strings.HasSuffix(s, ":") && plain(s) }

// isStores reads the text again because the map it became would hide a name
// that is there twice.
func isStores(s string) bool {
	names := map[string]bool{}
	for part := range strings.SplitSeq(s, ",") {
		name, backend, _ := strings.Cut(part, "=")
		bad := strings.ContainsFunc(name, func(r rune) bool { return !isWord(r) })
		if bad || name == "" || len(name) > 64 || backend == "" || names[name] {
			return false
		}
		names[name] = true
	}
	return true
}

func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-'
}

// allowed says what may be written, "" where there is nothing to say.
func (v *variable) allowed() string {
	if name := v.sf.Tag.Get("rule"); name != "" {
		return rules()[name].allowed
	}
	choice := v.choice()
	switch t := v.sf.Type; {
	case t == reflect.TypeFor[time.Duration]():
		return cmp.Or(choice, "a duration") + ", written as 5m or as seconds"
	case choice != "":
		return choice
	case t == reflect.TypeFor[[]netip.Prefix]():
		return "IP addresses or ranges such as 10.0.0.0/8, separated by commas"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case v.number():
		return fmt.Sprintf("a whole number that fits %d bits", envBits(t))
	default:
		return ""
	}
}

// choice is what the tags oneof, min and max leave to choose from.
func (v *variable) choice() string {
	if oneof := strings.Fields(v.sf.Tag.Get("oneof")); len(oneof) > 1 {
		last := len(oneof) - 1
		return strings.Join(oneof[:last], ", ") + " or " + oneof[last]
	}
	low, high := v.sf.Tag.Get("min"), v.sf.Tag.Get("max")
	switch {
	case low != "" && high != "":
		return low + " to " + high
	case low != "":
		return low + " or more"
	case high != "":
		return "at most " + high
	default:
		return ""
	}
}

// envBits is how many bits env reads for a type: 32 for an int.
func envBits(t reflect.Type) int {
	if t.Kind() == reflect.Int {
		return 32
	}
	return t.Bits()
}
