package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// forEveryBatcher runs test over a store that serves batches and over one of seven methods.
func forEveryBatcher(t *testing.T, test func(t *testing.T, s *shelf, c *cache.Cache)) {
	t.Run("over a Batcher", func(t *testing.T) {
		s := newShelf()
		test(t, s, over(t, batching{s}))
	})
	t.Run("over a store of seven methods", func(t *testing.T) {
		s := newShelf()
		test(t, s, over(t, bare(s)))
	})
}

func TestGetManyAnswersUnderTheCallersKeys(t *testing.T) {
	forEveryBatcher(t, func(t *testing.T, s *shelf, c *cache.Cache) {
		for _, ns := range []*cache.Cache{c, c.Namespace("a"), c.Namespace("a").Namespace("b")} {
			for _, key := range []string{"k", "@", "@k", "@a:k", "@@k", "\x00"} {
				if err := ns.Set(t.Context(), key, []byte("of "+key), time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			_ = ns.Set(t.Context(), "empty", nil, time.Hour)
			got, err := ns.GetMany(t.Context(), []string{"k", "@k", "@a:k", "absent", "@", "@@k", "k", "\x00", "empty", "@absent"})
			want := map[string][]byte{
				"k": []byte("of k"), "@": []byte("of @"), "@k": []byte("of @k"), "@a:k": []byte("of @a:k"), "@@k": []byte("of @@k"),
				"\x00": []byte("of \x00"), "empty": {},
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("GetMany: %v; (-want +got):\n%s", err, diff)
			}
		}
	})
}

func TestGetManyTakesOnlyWhatWasAskedFor(t *testing.T) {
	c := over(t, talkative{&recorder{}})
	got, err := c.GetMany(t.Context(), []string{"k"})
	if diff := cmp.Diff(map[string][]byte{}, got); diff != "" || err != nil {
		t.Errorf("GetMany: %v; (-want +got):\n%s", err, diff)
	}
}

// talkative answers what nobody asked.
type talkative struct{ *recorder }

func (talkative) GetMany(context.Context, []string) (map[string][]byte, error) {
	return map[string][]byte{"other": []byte("v")}, nil
}

func TestABatchOfNothing(t *testing.T) {
	for name, of := range map[string]func(cache.Store) cache.Store{"over a Batcher": func(s cache.Store) cache.Store { return s }, "over seven methods": bare} {
		s := &recorder{}
		c := over(t, of(s))
		if items, err := c.GetMany(t.Context(), nil); items == nil || len(items) > 0 || err != nil {
			t.Errorf("%s: GetMany = %v, %v; want an empty map", name, items, err)
		}
		if err := c.SetMany(t.Context(), nil, time.Hour); err != nil {
			t.Errorf("%s: SetMany: %v; want nil", name, err)
		}
		if err := c.SetMany(t.Context(), nil, 0); err != nil {
			t.Errorf("%s: SetMany of what has expired: %v; want nil", name, err)
		}
		if err := c.DeleteMany(t.Context(), nil); err != nil {
			t.Errorf("%s: DeleteMany: %v; want nil", name, err)
		}
		if len(s.calls) > 0 {
			t.Errorf("%s: the store was asked %q; want nothing", name, s.calls)
		}
	}
}

func TestSetManySetsEachWithTheLifetime(t *testing.T) {
	for _, tc := range []struct {
		name      string
		ttl       time.Duration
		old, none time.Duration // how long an entry of a second then lives, and one that was not there; 0 where it is gone
	}{
		{"given", time.Minute, time.Minute, time.Minute},
		{"by default", cache.DefaultTTL, time.Hour, time.Hour},
		{"forever", cache.Forever, cache.Forever, cache.Forever},
		{"expired", 0, 0, 0},
		{"expired long ago", math.MinInt64, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				forEveryBatcherIn(t, func(name string, s *shelf, c *cache.Cache) {
					s.put("@a:old", "old", time.Second)
					s.put("old", "of another", time.Second)
					items := map[string][]byte{"old": []byte("1"), "new": nil}
					if err := c.Namespace("a").SetMany(t.Context(), items, tc.ttl); err != nil {
						t.Errorf("%s: SetMany: %v", name, err)
					}
					if got := s.remaining("@a:old"); got != tc.old {
						t.Errorf("%s: the entry that was there lives %v; want %v", name, got, tc.old)
					}
					if got := s.remaining("@a:new"); got != tc.none {
						t.Errorf("%s: the new entry lives %v; want %v", name, got, tc.none)
					}
					if v, found, _ := c.Namespace("a").Get(t.Context(), "old"); found && string(v) != "1" {
						t.Errorf("%s: the value is %q; want the one that was set", name, v)
					}
					if v, _, _ := c.Get(t.Context(), "old"); string(v) != "of another" {
						t.Errorf("%s: the same key of the parent is %q; want it unchanged", name, v)
					}
				})
			})
		})
	}
}

// forEveryBatcherIn is forEveryBatcher within a bubble, where there are no subtests.
func forEveryBatcherIn(t *testing.T, test func(name string, s *shelf, c *cache.Cache)) {
	s := newShelf()
	test("over a Batcher", s, over(t, batching{s}))
	s = newShelf()
	test("over a store of seven methods", s, over(t, bare(s)))
}

func TestSetManyWithKeepTTLSetsEachByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		c := over(t, struct {
			batching
			cache.Adder
		}{batching{s}, s})
		s.put("old", "old", time.Second)
		if err := c.SetMany(t.Context(), map[string][]byte{"old": []byte("1"), "new": []byte("2")}, cache.KeepTTL); err != nil {
			t.Fatal(err)
		}
		if old, fresh := s.remaining("old"), s.remaining("new"); old != time.Second || fresh != time.Hour {
			t.Errorf("the entries live %v and %v; want the second that one had and the default", old, fresh)
		}
		if v, _, _ := c.Get(t.Context(), "old"); string(v) != "1" {
			t.Errorf("the value is %q; want the one that was set", v)
		}
	})
}

func TestSetManyStoresTheOthersWhereOneIsRefusedAsTooLarge(t *testing.T) {
	for _, ttl := range []time.Duration{time.Hour, cache.KeepTTL} {
		s := &recorder{found: true, refuses: "b"}
		err := over(t, bare(s)).SetMany(t.Context(), map[string][]byte{"a": nil, "b": nil, "c": nil}, ttl)
		if want := "cache: set many of 3 keys: value too large"; errText(err) != want || !errors.Is(err, cache.ErrTooLarge) {
			t.Errorf("SetMany: %v; want %q", err, want)
		}
		slices.Sort(s.calls)
		want := []string{"set a " + lifetime(ttl), "set b " + lifetime(ttl), "set c " + lifetime(ttl)}
		if ttl == cache.KeepTTL {
			want = append([]string{"get a", "get b", "get c"}, want...)
		}
		if diff := cmp.Diff(want, s.calls); diff != "" {
			t.Errorf("the store's calls (-want +got):\n%s", diff)
		}
	}
}

func TestABatchWithAnInvalidKeyAsksNothing(t *testing.T) {
	s := &recorder{found: true}
	c := over(t, s)
	keys := []string{"a", "b", ""}
	if _, err := c.GetMany(t.Context(), keys); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("GetMany: %v; want ErrInvalidKey", err)
	}
	if err := c.SetMany(t.Context(), map[string][]byte{"a": nil, "": nil}, time.Hour); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("SetMany: %v; want ErrInvalidKey", err)
	}
	if err := c.SetMany(t.Context(), map[string][]byte{"a": nil, "b": huge()}, time.Hour); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("SetMany of a value that is too large: %v; want ErrTooLarge", err)
	}
	if err := c.SetMany(t.Context(), map[string][]byte{"b": huge()}, 0); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("SetMany of a value that is too large and has expired: %v; want ErrTooLarge, as from Set", err)
	}
	if err := c.DeleteMany(t.Context(), keys); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("DeleteMany: %v; want ErrInvalidKey", err)
	}
	if len(s.calls) > 0 {
		t.Errorf("the store was asked %q; want nothing", s.calls)
	}
}

func TestDeleteManyRemovesTheGiven(t *testing.T) {
	forEveryBatcher(t, func(t *testing.T, s *shelf, c *cache.Cache) {
		for _, key := range []string{"k", "@k", "@a:k", "@a:@@k", "@a:keep"} {
			s.put(key, "v", time.Hour)
		}
		if err := c.Namespace("a").DeleteMany(t.Context(), []string{"k", "absent", "@k", "k"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"@a:keep", "@k", "k"}, slices.Sorted(maps.Keys(s.entries))); diff != "" {
			t.Errorf("what is left in the store (-want +got):\n%s", diff)
		}
	})
}

func TestABatchStopsAtTheFirstError(t *testing.T) {
	items := map[string][]byte{"a": nil, "b": nil}
	for method, do := range map[string]func(c *cache.Cache) error{
		"GetMany":          func(c *cache.Cache) error { _, err := c.GetMany(t.Context(), []string{"a", "b"}); return err },
		"SetMany":          func(c *cache.Cache) error { return c.SetMany(t.Context(), items, time.Hour) },
		"SetMany, expired": func(c *cache.Cache) error { return c.SetMany(t.Context(), items, 0) },
		"SetMany, KeepTTL": func(c *cache.Cache) error { return c.SetMany(t.Context(), items, cache.KeepTTL) },
		"DeleteMany":       func(c *cache.Cache) error { return c.DeleteMany(t.Context(), []string{"a", "b"}) },
	} {
		for _, down := range []error{cache.ErrUnavailable, &cache.OpError{Op: "set", Key: "a", Err: cache.ErrUnavailable}} {
			s := &recorder{err: down}
			err := do(over(t, bare(s)))
			want := 1
			if method == "SetMany, KeepTTL" {
				want = 2 // the lifetime could not be read: what was there must not come back, and is deleted
			}
			if !errors.Is(err, cache.ErrUnavailable) || len(s.calls) != want {
				t.Errorf("%s: %v after %q; want ErrUnavailable after %d", method, err, s.calls, want)
			}
		}
	}
}

func TestTheEventOfGetMany(t *testing.T) {
	for _, tc := range []struct {
		there, asked []string
		want         string
	}{
		{[]string{"a", "b"}, []string{"a", "b", "a"}, cache.ResultHit},
		{[]string{"a"}, []string{"a", "b"}, cache.ResultMiss},
		{nil, []string{"a"}, cache.ResultMiss},
		{nil, nil, cache.ResultHit},
	} {
		var got []string
		s := newShelf()
		for _, key := range tc.there {
			s.put(key, "v", time.Hour)
		}
		c, err := cache.New(s, &cache.Options{OnEvent: func(e cache.Event) { got = append(got, e.Op+" "+e.Result) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.GetMany(t.Context(), tc.asked); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"get many " + tc.want}, got); diff != "" {
			t.Errorf("%s of %s: events (-want +got):\n%s", fmt.Sprint(tc.asked), fmt.Sprint(tc.there), diff)
		}
	}
}
