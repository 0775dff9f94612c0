package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func collect(t *testing.T, s *memstore.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for key, err := range s.Keys(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func TestKeysYieldsThoseWithThePrefixThatHaveNotExpired(t *testing.T) {
	s, now := openAt(t, nil)
	for _, key := range []string{"a", "ab", "abc", "b", "a*", "A"} {
		set(t, s, key, "value", time.Hour)
	}
	set(t, s, "abx", "value", time.Second)
	*now = time.Second
	for prefix, want := range map[string]string{"": "A a a* ab abc b", "a": "a a* ab abc", "ab": "ab abc", "a*": "a*", "x": ""} {
		if got := strings.Join(collect(t, s, prefix), " "); got != want {
			t.Errorf("Keys(%q) = %s; want %s", prefix, got, want)
		}
	}
}

func TestKeysYieldsEachOfManyOnce(t *testing.T) {
	for _, n := range []int{0, 1, memstore.Batch - 1, memstore.Batch, memstore.Batch + 1, 5000} {
		s := open(t, nil)
		fill(t, s, "", n, time.Hour)
		keys := collect(t, s, "")
		if distinct := len(slices.Compact(slices.Clone(keys))); len(keys) != n || distinct != n {
			t.Errorf("%d keys, %d of them distinct; want %d", len(keys), distinct, n)
		}
	}
}

func TestKeysThatStayAreYieldedOnceWhateverTheBodyDoes(t *testing.T) {
	s := open(t, &memstore.Options{MaxEntries: 100_000})
	fill(t, s, "stays", 5000, time.Hour)
	fill(t, s, "goes", 5000, time.Hour)
	seen := map[string]int{}
	i := 0
	for key, err := range s.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		seen[key]++
		set(t, s, fmt.Sprint("comes", i), "value", time.Hour)
		set(t, s, key, "overwritten", time.Hour)
		_ = s.Delete(t.Context(), fmt.Sprint("goes", i))
		if i++; i == 20_000 {
			t.Fatal("the loop feeds itself")
		}
	}
	maps.DeleteFunc(seen, func(key string, n int) bool { return !strings.HasPrefix(key, "stays") || n != 1 })
	if len(seen) != 5000 {
		t.Errorf("%d of the 5000 keys that stayed were yielded once", len(seen))
	}
}

func TestKeysThatExpireMeanwhileAreNotReadAnyMore(t *testing.T) {
	s, now := openAt(t, nil)
	fill(t, s, "key", 5000, time.Second)
	n := 0
	for _, err := range s.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		*now = time.Second
	}
	if n < 1 || n > 500 {
		t.Errorf("%d keys though all expired in the first batch; want those of a small part of the store", n)
	}
}

func TestTheBodyOfKeysMay(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(s *memstore.Store, cancel func())
		want error
	}{
		{"clear the store", func(s *memstore.Store, _ func()) { _ = s.Clear(t.Context(), "") }, nil},
		{"list the keys", func(s *memstore.Store, _ func()) {
			for _, err := range s.Keys(t.Context(), "") {
				if err != nil {
					t.Error(err)
				}
				break
			}
		}, nil},
		{"close the store, which ends it", func(s *memstore.Store, _ func()) { _ = s.Close() }, cache.ErrClosed},
		{"end the context, which ends it", func(_ *memstore.Store, cancel func()) { cancel() }, context.Canceled},
	} {
		for _, n := range []int{2, memstore.Batch, many} {
			t.Run(fmt.Sprint(tc.name, " with ", n, " keys"), func(t *testing.T) {
				s := open(t, nil)
				fill(t, s, "key", n, time.Hour)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var keys []string
				var got error
				for key, err := range s.Keys(ctx, "k") {
					keys = append(keys, key)
					if got != nil {
						t.Fatal("something comes after the error")
					}
					got = err
					tc.do(s, cancel)
				}
				if tc.want == nil {
					if got != nil || len(keys) < 1 {
						t.Errorf("%d keys, %v; want those of the first batch", len(keys), got)
					}
					return
				}
				wantOp(t, got, "keys", tc.want)
				if len(keys) != 2 || keys[1] != "" {
					t.Errorf("%q; want one key, then the error with none", keys)
				}
			})
		}
	}
}

func TestALoopOverKeysThatIsLeftLeavesTheStoreUnlocked(t *testing.T) {
	for name, leave := range map[string]func(s *memstore.Store, after int){
		"by break": func(s *memstore.Store, after int) {
			for _, err := range s.Keys(t.Context(), "") {
				if after--; after == 0 || err != nil {
					break
				}
			}
		},
		"by a panic": func(s *memstore.Store, after int) {
			defer func() { _ = recover() }()
			for _, err := range s.Keys(t.Context(), "") {
				if after--; after == 0 || err != nil {
					panic("the body's")
				}
			}
		},
	} {
		for _, after := range []int{1, memstore.Batch, memstore.Batch + 100, many} {
			s := open(t, nil)
			fill(t, s, "key", many, time.Hour)
			leave(s, after)
			set(t, s, "after", "value", time.Hour) // would never return, were the store locked
			if err := s.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestKeysOfAContextThatIsDoneOrAClosedStoreYieldsTheErrorOnly(t *testing.T) {
	s := open(t, nil)
	fill(t, s, "key", 3, time.Hour)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	yields := func(ctx context.Context, want error) {
		t.Helper()
		n := 0
		for key, err := range s.Keys(ctx, "") {
			if n++; key != "" || !errors.Is(err, want) {
				t.Errorf("%q, %v; want %v", key, err, want)
			}
		}
		if n != 1 {
			t.Errorf("%d yields; want 1", n)
		}
	}
	yields(cancelled, context.Canceled)
	_ = s.Close()
	yields(t.Context(), cache.ErrClosed)
	yields(cancelled, context.Canceled)
}

func TestKeysReadsNoFurtherOnceTheStoreIsClosed(t *testing.T) {
	s := open(t, nil)
	fill(t, s, "key", 4*memstore.Batch, time.Hour)
	last := 0
	var got error
	for _, err := range s.Keys(whenAsked(t.Context(), func(n int) {
		last = n
		if n == 2 {
			_ = s.Close()
		}
	}), "none has this prefix") {
		got = err
	}
	wantOp(t, got, "keys", cache.ErrClosed)
	if last != 2 {
		t.Errorf("the context was asked %d times; want no batch after the one in which the store was closed", last)
	}
}

func TestTheStoreKeepsNoPieceOfTheCallersKey(t *testing.T) {
	request := strings.Repeat("a whole request ", 1000)
	s := open(t, nil)
	set(t, s, request[:7], "value", time.Hour)
	if key := collect(t, s, "")[0]; unsafe.StringData(key) == unsafe.StringData(request) {
		t.Error("the key holds the string that it was cut from")
	}
}
