package httpcache

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
)

// isSane reports whether each duration is absent or one that a response can have.
func (d *directives) isSane() bool {
	all := []time.Duration{d.maxAge, d.sharedMaxAge, d.minFresh, d.maxStale, d.staleWhileRevalidate, d.staleIfError}
	return !slices.ContainsFunc(all, func(v time.Duration) bool {
		return v != absent && (v < 0 || v > maxSeconds*time.Second || v%time.Second != 0)
	})
}

// FuzzDirectives holds that a line more never makes Cache-Control allow more, that nothing before it hides a directive, and that it is the same on one line as on
// many.
func FuzzDirectives(f *testing.F) {
	for _, line := range []string{`max-age=60, private="a, b", no-store`, `x="a\", no-store`, `max-age="60`, "MAX-AGE = 99999999999999999999", "max-stale, max-stale=1", `private="`, `",`, `\`} {
		f.Add(line, "s-maxage=1, no-cache")
		f.Add("public", line)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		before, both := parseDirectives([]string{one}), parseDirectives([]string{one, two})
		if !before.isSane() || !both.isSane() {
			t.Errorf("%q and %q are %+v and %+v", one, two, before, both)
		}
		if before.noStore && !both.noStore || before.private && !both.private || before.noCache && !both.noCache || before.mustRevalidate && !both.mustRevalidate ||
			before.maxAge != absent && both.maxAge > before.maxAge || before.sharedMaxAge != absent && both.sharedMaxAge > before.sharedMaxAge {
			t.Errorf("with %q, %q allows more", two, one)
		}
		if d := parseDirectives([]string{one + ", no-store, private, max-age=0"}); !d.noStore || !d.private || d.maxAge != 0 {
			t.Errorf("%q hides what follows it", one)
		}
		if isClosed(one) && isClosed(two) {
			joined := parseDirectives([]string{one + "," + two})
			withheld := slices.Equal(joined.withheld, both.withheld)
			joined.withheld, both.withheld = nil, nil
			if !withheld || fmt.Sprint(joined) != fmt.Sprint(both) {
				t.Errorf("%q and %q on one line are %+v, on two %+v", one, two, joined, both)
			}
		}
	})
}

// FuzzTargeted holds that a targeted field counts only where it is a Dictionary, and then says what its members of the right type do.
func FuzzTargeted(f *testing.F) {
	for _, line := range []string{"max-age=60", `private="a, b", no-store`, "max-age=60;x, max-age=1", "max-age=-1", "max-age=999999999999999", "max-age=1.0", "private=(a b)", "", "A", "no-store=?0"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		d, ok := parseTargeted([]string{line})
		dictionary, err := httpsfv.UnmarshalDictionary([]string{line})
		if want := err == nil && len(dictionary.Names()) > 0; ok != want {
			t.Fatalf("%q counts: %t, want %t", line, ok, want)
		}
		if !ok {
			return
		}
		if !d.isSane() {
			t.Errorf("%q is %+v", line, d)
		}
		member, _ := dictionary.Get("no-store")
		item, _ := member.(httpsfv.Item)
		if d.noStore != (item.Value == true) {
			t.Errorf("%q says no-store: %t", line, d.noStore)
		}
		member, _ = dictionary.Get("max-age")
		item, _ = member.(httpsfv.Item)
		want := absent
		if n, ok := item.Value.(int64); ok && n >= 0 {
			want = time.Duration(min(n, maxSeconds)) * time.Second
		}
		if d.maxAge != want {
			t.Errorf("%q says max-age %v, want %v", line, d.maxAge, want)
		}
	})
}

// FuzzVary holds that two requests are one variant only where each field is absent from both or has the same members in both, and that neither lines nor
// whitespace make a difference.
func FuzzVary(f *testing.F) {
	f.Add("a, b", "c", "a,b", "c", true)
	f.Add(`"a, b"`, "", `"a,b"`, "", false)
	f.Add("xy", "z", "x", "yz", true)
	f.Add(`"\`, `", x`, "", "-", true)
	f.Add(" ,, ", "1:-", "", "", false)
	f.Fuzz(func(t *testing.T, a1, b1, a2, b2 string, there bool) {
		names := []string{"A", "B"}
		one := &http.Request{Header: http.Header{"A": {a1}, "B": {b1}}}
		two := &http.Request{Header: http.Header{"A": {a2}}}
		if there {
			two.Header["B"] = []string{b2}
		}
		want := there && uniform([]string{a1}) == uniform([]string{a2}) && uniform([]string{b1}) == uniform([]string{b2})
		if got := variantOf(one, names) == variantOf(two, names); got != want {
			t.Errorf("%q, %q and %q, %q, %t are one variant: %t, want %t", a1, b1, a2, b2, there, got, want)
		}
		if !isClosed(a1) || !isClosed(b1) {
			return
		}
		whole := uniform([]string{a1 + "," + b1})
		if lines := uniform([]string{a1, b1}); lines != whole {
			t.Errorf("%q and %q are %q on two lines, %q on one", a1, b1, lines, whole)
		}
		if again := uniform([]string{"\t" + whole + " "}); again != whole {
			t.Errorf("%q becomes %q", whole, again)
		}
	})
}

// FuzzNominated holds that the names of Vary are canonical, sorted, each there once, and that "*" is never hidden.
func FuzzNominated(f *testing.F) {
	for _, line := range []string{"A, b ,a", "*", "a, *", `"a"`, "a b", ",", strings.Repeat("a,", 20), "\x00*"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		names, ok := nominated(http.Header{vary: {line}})
		if !ok {
			return
		}
		for i, name := range names {
			if name == "" || name == "*" || http.CanonicalHeaderKey(name) != name || i > 0 && names[i-1] >= name {
				t.Errorf("%q names %q", line, names)
			}
		}
		if len(names) > maxNominated {
			t.Errorf("%q names %d", line, len(names))
		}
		if _, ok := nominated(http.Header{vary: {line + ",*"}}); ok {
			t.Errorf("%q hides what follows it", line)
		}
	})
}
