package cache_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// Two places of the tree of namespaces and two keys: the store's keys are equal only if all of them are, whatever method they come through.
func FuzzNoChoiceOfKeyCrossesOver(f *testing.F) {
	f.Add("a", "k", "", "@a:k")
	f.Add("a/b", "k", "a", "@b:k")
	f.Add("a", "@b:k", "a/b", "k")
	f.Add("", "@@", "", "@")
	f.Add("a-b", "k", "a", "-b:k")
	f.Add("ab", "k", "a", "b:k")
	f.Add("a/a", "@a:", "a/a/a", ":")
	f.Add("", "@:", "", "@@:")
	f.Fuzz(func(t *testing.T, path1, key1, path2, key2 string) {
		s := &recorder{found: true}
		root := over(t, s)
		c1, ok1 := descend(root, path1)
		c2, ok2 := descend(root, path2)
		if !ok1 || !ok2 || c1.Set(t.Context(), key1, nil, time.Second) != nil || c2.Set(t.Context(), key2, nil, time.Second) != nil {
			return
		}
		same := path1 == path2 && key1 == key2
		if equal := s.calls[0] == s.calls[1]; equal != same {
			t.Errorf("%q in %q and %q in %q: the store saw %q and %q", key1, path1, key2, path2, s.calls[0], s.calls[1])
		}
		s.calls = nil
		_ = c1.DeleteMany(t.Context(), []string{key1})
		_, _, _ = c2.TTL(t.Context(), key2)
		stored1, stored2 := strings.TrimPrefix(s.calls[0], "delete many "), strings.TrimPrefix(s.calls[1], "get ")
		if (stored1 == stored2) != same {
			t.Errorf("%q in %q and %q in %q: the store saw %q and %q of other methods", key1, path1, key2, path2, stored1, stored2)
		}

		s.keys = []string{stored1, stored2}
		if stored1 == stored2 {
			s.keys = s.keys[:1]
		}
		for _, prefix := range []string{"", key1, key1[:1], key1[:len(key1)/2]} {
			want := []string{key1}
			if path1 == path2 && key1 != key2 && strings.HasPrefix(key2, prefix) {
				want = append(want, key2)
			}
			slices.Sort(want)
			got, err := collect(t, c1, prefix)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("Keys(%q) in %q over %q: %v; (-want +got):\n%s", prefix, path1, s.keys, err, diff)
			}
		}
	})
}

// A namespace's Clear takes the keys of its own and of the namespaces in it, and no others.
func FuzzClearTakesASubtree(f *testing.F) {
	f.Add("a", "a/b", "k")
	f.Add("a", "ab", "k")
	f.Add("a/b", "a", "@b:k")
	f.Add("a", "", "@a:k")
	f.Add("", "a", "k")
	f.Fuzz(func(t *testing.T, cleared, path, key string) {
		s := newShelf()
		root := over(t, s)
		clears, ok1 := descend(root, cleared)
		holds, ok2 := descend(root, path)
		if !ok1 || !ok2 || holds.Set(t.Context(), key, nil, time.Hour) != nil {
			return
		}
		if err := clears.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		within := cleared == "" || path == cleared || strings.HasPrefix(path, cleared+"/")
		if found, err := holds.Exists(t.Context(), key); found == within || err != nil {
			t.Errorf("%q in %q after Clear of %q: %t, %v; want %t", key, path, cleared, found, err, !within)
		}
	})
}

// descend goes down a path of names, "sessions/a"; "" is the root.
func descend(c *cache.Cache, path string) (*cache.Cache, bool) {
	if path == "" {
		return c, true
	}
	names := strings.Split(path, "/")
	if len(names) > 8 {
		return nil, false
	}
	for _, name := range names {
		if name == "" || len(name) > 64 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return nil, false
		}
		c = c.Namespace(name)
	}
	return c, true
}
