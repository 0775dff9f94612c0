package filestore

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/wait"
)

// Not in a bubble: there, a sweeper that is always busy would stop the clock.
func TestASweepThatCannotMakeRoomIsNotRepeatedAtOnce(t *testing.T) {
	dir := t.TempDir()
	sys := direct()
	var lists atomic.Int64
	sys.list = func(dir int) ([]string, error) { lists.Add(1); return direct().list(dir) }
	s, err := openWith(sys, dir, Patient(&Options{MaxBytes: 16 << 10}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := s.placeOf("newer")
	shard := p.shard.path
	if err := os.MkdirAll(shard, 0o700); err != nil {
		t.Fatal(err)
	}
	// None of a version that is not known is removed, so that there are always more bytes than there may be.
	if err := os.WriteFile(filepath.Join(shard, p.name), append([]byte(magic+"\x02"), make([]byte, 20<<10)...), 0o600); err != nil {
		t.Fatal(err)
	}
	set(t, s, "key", "value", cache.Forever)
	if _, err := s.DeleteExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	before := lists.Load()
	wait.Until(t, func() bool { return time.Since(begun) > time.Second/2 })
	if n := lists.Load() - before; n > 20 {
		t.Errorf("directories were listed %d times in half a second; want once or twice each", n)
	}
}
