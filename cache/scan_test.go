package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// collect returns what a loop over Keys sees.
func collect(t *testing.T, c *cache.Cache, prefix string) (keys []string, last error) {
	t.Helper()
	for key, err := range c.Keys(t.Context(), prefix) {
		if last != nil {
			t.Errorf("Keys went on after the error %v", last)
		}
		if err != nil {
			last = err
			if key != "" {
				t.Errorf("Keys yielded the key %q beside the error %v", key, err)
			}
			continue
		}
		keys = append(keys, key)
	}
	return keys, last
}

func TestKeys(t *testing.T) {
	stored := []string{
		"k", "key", "a:k", "@@", "@@k", "@@a:k", "@@@", "@@@k", // the root's own
		"@a:k", "@a:key", "@a:@@", "@a:@@k", "@a:@@@", "@a:@@b:k", "@a:@", // those of a; the last is none that a cache stores
		"@a:@b:k", "@a:@b:@@k", // of b in a
		"@ab:k", "@b:k", // of others
	}
	root := func(c *cache.Cache) *cache.Cache { return c }
	a := func(c *cache.Cache) *cache.Cache { return c.Namespace("a") }
	ab := func(c *cache.Cache) *cache.Cache { return c.Namespace("a").Namespace("b") }
	for _, tc := range []struct {
		name   string
		of     func(c *cache.Cache) *cache.Cache
		prefix string
		asked  string
		want   []string
	}{
		{"of the root are its own, as the caller knows them", root, "", "", []string{"k", "key", "a:k", "@", "@k", "@a:k", "@@", "@@k"}},
		{"of the root with a prefix", root, "k", "k", []string{"k", "key"}},
		{"of the root that begin with @", root, "@", "@@", []string{"@", "@k", "@a:k", "@@", "@@k"}},
		{"of the root that begin with @@", root, "@@", "@@@", []string{"@@", "@@k"}},
		{"of the root that look like those of a namespace", root, "@a:", "@@a:", []string{"@a:k"}},
		{"of a namespace are its own", a, "", "@a:", []string{"k", "key", "@", "@k", "@@", "@b:k"}},
		{"of a namespace with a prefix", a, "key", "@a:key", []string{"key"}},
		{"of a namespace that begin with @", a, "@", "@a:@@", []string{"@", "@k", "@@", "@b:k"}},
		{"of a namespace in a namespace", ab, "", "@a:@b:", []string{"k", "@k"}},
		{"of a namespace in a namespace that begin with @", ab, "@k", "@a:@b:@@k", []string{"@k"}},
		{"of an empty namespace", func(c *cache.Cache) *cache.Cache { return c.Namespace("c") }, "", "@c:", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &recorder{found: true, keys: stored}
			got, err := collect(t, tc.of(over(t, s)), tc.prefix)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("Keys: %v; (-want +got):\n%s", err, diff)
			}
			if asked := "keys " + tc.asked; s.calls[0] != asked {
				t.Errorf("the store was asked %q; want %q", s.calls[0], asked)
			}
		})
	}
}

func TestKeysYieldsAnErrorLast(t *testing.T) {
	s := &recorder{found: true, keys: []string{"a", "b"}, keysErr: &cache.OpError{Op: "keys", Key: "of the store", Err: cache.ErrUnavailable}}
	got, err := collect(t, over(t, s), "")
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("before the error (-want +got):\n%s", diff)
	}
	if want := "cache: keys: store unavailable"; errText(err) != want {
		t.Errorf("the error is %q; want %q", errText(err), want)
	}
}

func TestALoopOverKeysCanBeLeft(t *testing.T) {
	var events []string
	s := &recorder{found: true, keys: []string{"a", "b", "c"}, keysErr: cache.ErrUnavailable}
	c, err := cache.New(s, &cache.Options{OnEvent: func(e cache.Event) { events = append(events, e.Op+" "+e.Result) }})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for key, err := range c.Keys(t.Context(), "") {
		if err != nil {
			t.Errorf("an error came up: %v", err)
		}
		if got = append(got, key); key == "b" {
			break
		}
	}
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("the keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"keys ok"}, events); diff != "" {
		t.Errorf("the events (-want +got):\n%s", diff)
	}
}

func TestTheBodyOfALoopOverKeysMayUseTheCache(t *testing.T) {
	s := &recorder{found: true, keys: []string{"@a:x", "@a:y"}}
	c := over(t, s).Namespace("a")
	for key, err := range c.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"keys @a:", "get many @a:x @a:y", "delete @a:x", "delete @a:y"}, s.calls); diff != "" {
		t.Errorf("the store's calls (-want +got):\n%s", diff)
	}
}

func TestKeysReadsAnewEachTimeItIsRangedOver(t *testing.T) {
	s := &recorder{found: true, keys: []string{"a"}}
	seq := over(t, s).Keys(t.Context(), "")
	if len(s.calls) > 0 {
		t.Errorf("before the loop the store was asked %q; want nothing", s.calls)
	}
	for range 2 {
		var got []string
		for key, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key)
		}
		if diff := cmp.Diff([]string{"a"}, got); diff != "" {
			t.Errorf("the keys (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"keys ", "get a", "keys ", "get a"}, s.calls); diff != "" {
		t.Errorf("the store was asked %q; want to be asked by each loop", s.calls)
	}
}

func TestThePrefixOfKeysHasUpToAKilobyte(t *testing.T) {
	c := over(t, &recorder{})
	if _, err := collect(t, c, strings.Repeat("@", cache.MaxKeyLen)); err != nil {
		t.Errorf("a kilobyte: %v; want it allowed", err)
	}
	_, err := collect(t, c, strings.Repeat("p", cache.MaxKeyLen+1))
	want := `cache: keys "` + strings.Repeat("p", 64) + `"…: invalid key: the prefix has 1025 bytes; allowed: up to 1024`
	if errText(err) != want || !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("a byte more: %q; want %q", errText(err), want)
	}
}

func TestWhatIsOfTheWholeStoreIsSoInANamespace(t *testing.T) {
	c := over(t, &recorder{}).Namespace("a")
	if n, err := c.DeleteExpired(t.Context()); n != 3 || err != nil {
		t.Errorf("DeleteExpired = %d, %v; want the store's 3", n, err)
	}
	want := cache.Stats{Entries: 1, Bytes: 2, Evictions: 3, Pending: 4}
	if st, err := c.Stats(t.Context()); st != want || err != nil {
		t.Errorf("Stats = %v, %v; want the store's %v", st, err, want)
	}
	if err := c.Ping(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("Ping: %v", err)
	}
}
