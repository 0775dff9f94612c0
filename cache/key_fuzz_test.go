package cache_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// Two places of the tree of namespaces and two keys: the store's keys are equal only if all of them are.
func FuzzNoChoiceOfKeyCrossesOver(f *testing.F) {
	f.Add("a", "k", "", "@a:k")
	f.Add("a/b", "k", "a", "@b:k")
	f.Add("a", "@b:k", "a/b", "k")
	f.Add("", "@@", "", "@")
	f.Fuzz(func(t *testing.T, path1, key1, path2, key2 string) {
		s := &recorder{}
		root, err := cache.New(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		c1, ok1 := descend(root, path1)
		c2, ok2 := descend(root, path2)
		if !ok1 || !ok2 || c1.Set(t.Context(), key1, nil, time.Second) != nil || c2.Set(t.Context(), key2, nil, time.Second) != nil {
			return
		}
		same := path1 == path2 && key1 == key2
		if equal := s.calls[0] == s.calls[1]; equal != same {
			t.Errorf("%q in %q and %q in %q: the store saw %q and %q", key1, path1, key2, path2, s.calls[0], s.calls[1])
		}
	})
}

// descend goes down a path of names of one letter, "a/b".
func descend(c *cache.Cache, path string) (*cache.Cache, bool) {
	for i := range len(path) {
		letter := path[i] >= 'a' && path[i] <= 'z'
		switch {
		case i%2 == 1 && path[i] == '/' && i < len(path)-1:
		case i%2 == 0 && letter && i/2 < 8:
			c = c.Namespace(path[i : i+1])
		default:
			return nil, false
		}
	}
	return c, true
}
