package items

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestIDs(t *testing.T) {
	t.Run("ascend though the clock stands still", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s ids
			last := ""
			for range 1000 {
				id := s.next()
				if !validID(id) || id <= last {
					t.Fatalf("%q came after %q", id, last)
				}
				last = id
			}
		})
	})

	t.Run("differ among goroutines and among processes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var (
				processes [2]ids
				made      [8][]string
				wg        sync.WaitGroup
			)
			for i := range made {
				wg.Go(func() {
					for range 500 {
						made[i] = append(made[i], processes[i%2].next())
					}
				})
			}
			wg.Wait()
			all := slices.Sorted(slices.Values(slices.Concat(made[:]...)))
			equal(t, "different ids", len(slices.Compact(all)), 8*500)
		})
	})
}

// FuzzItemFile: a file gives an item that can be stored and read back, or an error.
func FuzzItemFile(f *testing.F) {
	id := strings.Repeat("0", idLength)
	for _, data := range []string{`{"id":"` + id + `","name":"Tea","price":450}`, `{"name":"Tea"}`, `{"price":1e99}`, `[]`, "\x00", `{"name":"\ud800","price":0}`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		item, err := parseItem(id, data)
		if err != nil {
			equal(t, "the item beside an error", item, Item{})
			return
		}
		stored, err := json.Marshal(item)
		if err != nil || len(stored) > maxFile {
			t.Fatalf("%+v takes %d bytes (%v)", item, len(stored), err)
		}
		again, err := parseItem(id, stored)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "read back", again, item)
	})
}
