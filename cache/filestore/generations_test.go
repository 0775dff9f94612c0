package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// What one store writes the other reads at once, whatever becomes of the file of generations between. While a store is writing it is not removed: done twice during one write,
// that is seen within a second only.
func TestDamagedGenerationsBringNoOldValueBack(t *testing.T) {
	for _, during := range []bool{false, true} {
		t.Run(fmt.Sprint("during reads and writes: ", during), func(t *testing.T) {
			dir := t.TempDir()
			a, b := open(t, dir, nil), open(t, dir, nil)
			path := filepath.Join(dir, "larder.v1", "generations")
			random := make([]byte, 131_072)
			damage := func(n int) {
				var err error
				switch n {
				case 0:
					for at := range random {
						random[at] = byte(rand.Uint32())
					}
					err = writeOver(path, random)
				case 1:
					err = writeOver(path, make([]byte, len(random)))
				case 2:
					err = os.Truncate(path, 0)
				case 3:
					err = os.Truncate(path, 100)
				case 4:
					err = os.Truncate(path, 70_000)
				case 5:
					err = os.Remove(path)
				}
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Error(err)
				}
			}
			var damager sync.WaitGroup
			done := make(chan struct{})
			if during {
				kinds := 5
				if raceEnabled {
					kinds = 2 // a page that goes while the race detector uses it ends the process
				}
				damager.Go(func() {
					for n := 0; ; n = (n + 1) % kinds {
						select {
						case <-done:
							return
						default:
							damage(n)
						}
					}
				})
			}
			for i := range 600 {
				key, value := fmt.Sprint(i%3), []byte(fmt.Sprint("value ", i))
				err := b.Set(t.Context(), key, value, cache.Forever)
				for n := 0; during && n < 1000 && errors.Is(err, cache.ErrUnavailable); n++ { // cut short once more: it says so
					err = b.Set(t.Context(), key, value, cache.Forever)
				}
				must(t, err)
				for range 3 {
					for _, s := range []*filestore.Store{a, b} {
						if v, found, err := s.Get(t.Context(), key); err != nil || !found || !bytes.Equal(v, value) {
							t.Fatalf("Get = %q, %t, %v; want %q", v, found, err, value)
						}
					}
				}
				if !during {
					damage(i % 6)
				}
			}
			close(done)
			damager.Wait()
		})
	}
}

// writeOver changes the file itself.
func writeOver(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
