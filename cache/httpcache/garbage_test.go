package httpcache_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
)

// records are the entries of the store, as it has them.
func (s *hooked) records(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for key, err := range s.Keys(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		value, _, err := s.Store.Get(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = value
	}
	return all
}

// put makes the entries of the store these.
func (s *hooked) put(t *testing.T, all map[string][]byte) {
	t.Helper()
	if err := s.Clear(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	for key, value := range all {
		if err := s.Store.Set(context.Background(), key, value, cache.Forever); err != nil {
			t.Fatal(err)
		}
	}
}

// kinds are responses each of which is stored in other records: a response, an index with a variant, marks.
func kinds(t *testing.T) (s *service, store *hooked) {
	t.Helper()
	store = hook(t)
	tags := func(r *http.Request) []string {
		if r.URL.Path == "/tagged" {
			return []string{"tag"}
		}
		return nil
	}
	s = serveOver(t, store, &httpcache.Options{Rule: httpcache.Rule{Tags: tags}}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		if r.URL.Path == "/varying" {
			w.Header().Set("Vary", "Accept")
		}
		_, _ = io.WriteString(w, r.URL.Path+" "+r.Header.Get("Accept"))
	})
	return s, store
}

// garbage is what may become of a record: every truncation, every bit turned, and what never was one.
func garbage(record []byte) [][]byte {
	all := [][]byte{[]byte("garbage"), bytes.Repeat([]byte{0}, 200), bytes.Repeat([]byte{0xff}, 200), append(slices.Clone(record), 'x'), []byte(`{"version":2}`)}
	for n := range record {
		all = append(all, record[:n])
	}
	for i := range len(record) * 8 {
		b := slices.Clone(record)
		b[i/8] ^= 1 << (i % 8)
		all = append(all, b)
	}
	for version := range byte(10) {
		b := slices.Clone(record)
		if len(b) > 3 && b[3] != '0'+version {
			b[3] = '0' + version
			all = append(all, b)
		}
	}
	return all
}

func TestADamagedRecordIsAMissAndIsReplaced(t *testing.T) {
	for _, path := range []string{"/page", "/varying", "/tagged"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := kinds(t)
				s.get(path, "Accept", "a")
				settle()
				sound := store.records(t)
				for key, record := range sound {
					for _, b := range garbage(record) {
						damaged := maps.Clone(sound)
						damaged[key] = b
						store.put(t, damaged)
						a := s.get(path, "Accept", "a")
						if a.StatusCode != http.StatusOK || a.body != path+" a" || a.isHit() {
							t.Errorf("of %q there is %q: %d %q, %s", record, b, a.StatusCode, a.body, a.status())
						}
						settle()
						if a := s.get(path, "Accept", "a"); a.body != path+" a" || !a.isHit() {
							t.Errorf("after %q: %q, %s", b, a.body, a.status())
						}
					}
				}
			})
		})
	}
}

func TestARecordUnderTheKeyOfAnotherIsAMiss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := kinds(t)
		paths := []string{"/page", "/other", "/varying", "/tagged"}
		for _, path := range paths {
			s.get(path, "Accept", "a")
			s.get(path, "Accept", "b")
			s.get(path, "X-Forwarded-Host", "c")
			settle()
		}
		sound := store.records(t)
		for to := range sound {
			for from := range sound {
				if to == from {
					continue
				}
				swapped := maps.Clone(sound)
				swapped[to], swapped[from] = swapped[from], swapped[to]
				store.put(t, swapped)
				for _, path := range paths {
					for _, accept := range []string{"a", "b", "c"} {
						if a := s.get(path, "Accept", accept); a.body != path+" "+accept && path == "/varying" || a.body[:len(path)] != path {
							t.Errorf("with the record of %s under %s, %s in %s is %q, %s", from, to, path, accept, a.body, a.status())
						}
					}
				}
				settle()
			}
		}
	})
}

func TestTheWholeKeyIsCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := kinds(t)
		s.get("/page")
		settle()
		keyOf := func(path string) (key string) {
			store.on(func(o operation) error { key = o.key; return nil })
			defer store.on(nil)
			s.do(http.MethodHead, path)
			return key
		}
		key, other := keyOf("/page"), keyOf("/other")
		if key == other || key == "" {
			t.Fatalf("the keys are %q and %q", key, other)
		}
		all := store.records(t)
		all[other] = all[key] // as if /other had the hash of /page
		store.put(t, all)
		for range 3 {
			a := s.get("/other")
			if got, want := a.status(), "larder; fwd=uri-miss; ttl=1000"; a.body != "/other " || got != want {
				t.Errorf("%q, Cache-Status %q, want %q", a.body, got, want)
			}
			settle()
		}
		if a := s.get("/page"); a.body != "/page " || !a.isHit() {
			t.Errorf("%q, %s", a.body, a.status())
		}
	})
}

func TestAVariantIsNotTakenForTheOnlyResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := kinds(t)
		s.get("/varying", "Accept", "a")
		settle()
		all := store.records(t)
		keys := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return len(a) - len(b) })
		if len(keys) != 2 {
			t.Fatalf("the store has %q", keys)
		}
		store.put(t, map[string][]byte{keys[0]: all[keys[1]]})
		if a := s.get("/varying", "Accept", "b"); a.body != "/varying b" {
			t.Errorf("%q, %s", a.body, a.status())
		}
	})
}

func TestAVariantFromBeforeAChangeIsNotTakenForANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, version := hook(t), "old"
		s := serveOver(t, store, nil, func(w http.ResponseWriter, r *http.Request) {
			saying(version, "Cache-Control", "max-age=60", "Vary", "Accept")(w, r)
		})
		variant := func() (key string, all map[string][]byte) {
			s.get("/x")
			settle()
			all = store.records(t)
			for k := range all {
				if len(k) > len(key) { // than the index'
					key = k
				}
			}
			return key, all
		}
		before, all := variant()
		old := all[before]
		s.do(http.MethodPost, "/x")
		version = "new"
		store.put(t, nil)
		after, all := variant()
		if before == after || len(all) != 2 {
			t.Fatalf("the keys are %q and %q of %d", before, after, len(all))
		}
		all[after] = old
		store.put(t, all)
		if a := s.get("/x"); a.body != "new" {
			t.Errorf("%q, %s", a.body, a.status())
		}
	})
}

func TestAFullStoreBreaksNothing(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 10} {
		for _, bytes := range []int64{1, 300, 1000, 100_000} {
			t.Run(fmt.Sprint(limit, " entries, ", bytes, " bytes"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := small(t, limit, bytes)
					s := serveOver(t, store, nil, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Cache-Control", "max-age=60, stale-while-revalidate=60")
						w.Header().Set("Vary", "Accept")
						_, _ = io.WriteString(w, document(r.URL.Path, int64(len(r.Header.Get("Accept")))))
					})
					for i := range 200 {
						path, accept := fmt.Sprint("/", i%7), "aaaaa"[:i%5]
						if a := s.get(path, "Accept", accept); a.StatusCode != http.StatusOK || a.body != document(path, int64(i%5)) {
							t.Errorf("%s in %q: %d, %d bytes, %s", path, accept, a.StatusCode, len(a.body), a.status())
						}
						settle()
						<-time.After(5 * time.Second)
					}
				})
			})
		}
	}
}
