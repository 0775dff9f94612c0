package httpcache

import (
	"slices"
	"testing"
	"time"
)

// TestAnIndexIsWrittenOverWhatOthersHavePutThere is about a store in which somebody has replaced the record that this call began with.
func TestAnIndexIsWrittenOverWhatOthersHavePutThere(t *testing.T) {
	ours := &index{key: "k", nonce: "n", names: []string{"Accept", "Accept-Language"}}
	lists := func(nonce string, names ...string) []byte {
		return (&index{key: "k", nonce: nonce, names: names, variants: map[string]time.Time{"theirs": time.Unix(9, 0)}}).encode()
	}
	lease, _ := newLease()
	for _, c := range []struct {
		name    string
		current []byte
		want    []string // the variants that it lists; nil: it is not written
	}{
		{"another variant of the same fields is kept", lists("n", "Accept", "Accept-Language"), []string{"theirs"}},
		{"variants that were told apart by less are not found any more", lists("n", "Accept"), []string{}},
		{"variants that are told apart by more stay, and this one goes", lists("n", "Accept", "Accept-Language", "Cookie"), nil},
		{"variants that are told apart by others stay, and this one goes", lists("n", "Cookie"), nil},
		{"a response that did not vary makes room", (&response{key: "k", nonce: "n", status: 200}).encode(), []string{}},
		{"there was an invalidation before an index", lists("m", "Accept", "Accept-Language"), nil},
		{"there was an invalidation before a response", (&response{key: "k", nonce: "m", status: 200}).encode(), nil},
		{"there was an invalidation before a lease", lease, nil},
		{"it is garbage", []byte("garbage"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := ours.after(c.current)
			if (x != nil) != (c.want != nil) {
				t.Fatalf("it is %v, want %v", x, c.want)
			}
			if x == nil {
				return
			}
			var listed []string
			for v := range x.variants {
				listed = append(listed, v)
			}
			if !slices.Equal(listed, c.want) || !slices.Equal(x.names, ours.names) || x.nonce != "n" {
				t.Errorf("it lists %v by %v under %q, want %v", listed, x.names, x.nonce, c.want)
			}
		})
	}
}
