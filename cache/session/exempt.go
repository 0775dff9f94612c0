package session

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// exempt are paths for which nobody has to have logged in.
type exempt struct{ exact, prefixes []string }

func exemptOf(paths []string) (exempt, error) {
	var e exempt
	for _, p := range paths {
		prefix, isPrefix := strings.CutSuffix(p, "*")
		switch {
		case !strings.HasPrefix(p, "/") || strings.Contains(prefix, "*") || isPrefix && (prefix == "/" || !strings.HasSuffix(prefix, "/")) || !isPlain(prefix):
			return exempt{}, fmt.Errorf("the path is %q; allowed: a path such as /login, or the beginning of paths such as /static/*, but not of all", p)
		case isPrefix:
			e.prefixes = append(e.prefixes, prefix)
		default:
			e.exact = append(e.exact, p)
		}
	}
	return e, nil
}

// has reports whether the path of u is exempt. One that a router or a file server might take for another never is: RawPath is set where there is an escape that need not be.
func (e *exempt) has(u *url.URL) bool {
	if u.RawPath != "" || !isPlain(u.Path) {
		return false
	}
	return slices.Contains(e.exact, u.Path) || slices.ContainsFunc(e.prefixes, func(prefix string) bool { return strings.HasPrefix(u.Path, prefix) })
}

// isPlain reports whether a path has no segment that changes what it names. A slash at the end is none.
func isPlain(path string) bool {
	if path == "/" {
		return true
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, "\\%") {
			return false
		}
	}
	return true
}
