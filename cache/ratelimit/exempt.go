package ratelimit

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// exempt are paths that are not limited.
type exempt struct{ exact, prefixes []string }

func exemptOf(paths []string) (exempt, error) {
	var e exempt
	for _, p := range paths {
		prefix, isPrefix := strings.CutSuffix(p, "*")
		switch {
		case !strings.HasPrefix(p, "/") || strings.Contains(prefix, "*") || isPrefix && !strings.HasSuffix(prefix, "/") || !isPlain(prefix):
			return exempt{}, fmt.Errorf("the path is %q; allowed: a path such as /favicon.ico, or the beginning of paths such as /static/*", p)
		case isPrefix:
			e.prefixes = append(e.prefixes, prefix)
		default:
			e.exact = append(e.exact, p)
		}
	}
	return e, nil
}

// has reports whether the path of u is exempt. What a router or a file server might take for another path never is by its beginning.
func (e *exempt) has(u *url.URL) bool {
	if len(e.exact) == 0 && len(e.prefixes) == 0 {
		return false
	}
	if slices.Contains(e.exact, u.Path) && u.RawPath == "" {
		return true
	}
	for _, prefix := range e.prefixes {
		if rest, ok := strings.CutPrefix(u.Path, prefix); ok {
			return u.RawPath == "" && isPlain("/"+rest)
		}
	}
	return false
}

// isPlain reports whether a path, which begins with a slash and may end in one, has no segment that changes what it names.
func isPlain(path string) bool {
	if path == "/" {
		return true
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || strings.Contains(segment, `\`) {
			return false
		}
	}
	return true
}
