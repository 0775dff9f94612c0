package filestore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// The tests of mapped files are in bubbles, where the sweeper comes when they say so.

func TestAThirdReadMakesNoSystemCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := openCounted(t, t.TempDir(), nil)
		set(t, s, "key", "value", time.Hour)
		want(t, s, "key", "value")
		if n := c.mapped.Load(); n != 0 {
			t.Errorf("the first read mapped %d files; want none, for it may be the last", n)
		}
		want(t, s, "key", "value")
		before := c.all.Load()
		for range 10 {
			want(t, s, "key", "value")
			if found, err := s.Exists(t.Context(), "key"); !found || err != nil {
				t.Errorf("Exists = %t, %v; want true", found, err)
			}
			if ttl, _, err := s.TTL(t.Context(), "key"); ttl != time.Hour || err != nil {
				t.Errorf("TTL = %v, %v; want an hour", ttl, err)
			}
		}
		if n := c.all.Load() - before; n != 0 {
			t.Errorf("ten reads more made %d system calls; want none", n)
		}
		if n := c.mapped.Load(); n != 1 {
			t.Errorf("%d files were mapped; want 1", n)
		}
	})
}

// mapIt reads a key until its file is mapped.
func mapIt(t *testing.T, s *Store, c *calls, key, value string) {
	t.Helper()
	before := c.mapped.Load()
	for range 3 {
		want(t, s, key, value)
	}
	if c.mapped.Load() == before {
		t.Fatalf("%q was not mapped", key)
	}
}

func TestAChangeByAnotherStoreIsReadAtOnce(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, other *Store) string{
		"Set": func(t *testing.T, other *Store) string {
			t.Helper()
			set(t, other, "key", "new", time.Hour)
			return "new"
		},
		"Set of the same length and time": func(t *testing.T, other *Store) string {
			t.Helper()
			set(t, other, "key", "OLD", time.Hour)
			return "OLD"
		},
		"Delete": func(t *testing.T, other *Store) string {
			t.Helper()
			if err := other.Delete(t.Context(), "key"); err != nil {
				t.Fatal(err)
			}
			return ""
		},
		"Clear": func(t *testing.T, other *Store) string {
			t.Helper()
			if err := other.Clear(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			return ""
		},
		"Touch that ends it": func(t *testing.T, other *Store) string {
			t.Helper()
			if _, err := other.Touch(t.Context(), "key", time.Millisecond); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Millisecond)
			return ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				s, c := openCounted(t, dir, nil)
				other, _ := openCounted(t, dir, nil)
				for range 20 {
					set(t, s, "key", "old", time.Hour)
					mapIt(t, s, c, "key", "old")
					if value := change(t, other); value != "" {
						want(t, s, "key", value)
					} else {
						wantMiss(t, s, "key")
					}
				}
			})
		})
	}
}

func TestAMappedEntryExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := openCounted(t, t.TempDir(), nil)
		set(t, s, "key", "value", 500*time.Millisecond)
		mapIt(t, s, c, "key", "value")
		<-time.After(500*time.Millisecond - 1)
		want(t, s, "key", "value")
		<-time.After(1)
		wantMiss(t, s, "key")
	})
}

func TestTheDiskGetsBackWhatAnotherStoreHasOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, c := openCounted(t, dir, nil)
		other, _ := openCounted(t, dir, nil)
		set(t, s, "key", "old", time.Hour)
		mapIt(t, s, c, "key", "old")
		set(t, other, "key", "new", time.Hour)
		<-time.After(tidyEvery + 1)
		synctest.Wait()
		if n := c.unmapped.Load(); n != 1 {
			t.Errorf("%d files were unmapped; want that of the old value", n)
		}
	})
}

func TestWhatSomebodyHasRemovedByHandIsReadForTenSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, c := openCounted(t, dir, nil)
		set(t, s, "removed", "value", time.Hour)
		mapIt(t, s, c, "removed", "value")
		set(t, s, "left", "value", time.Hour)
		mapIt(t, s, c, "left", "value")
		p := s.placeOf("removed")
		if err := os.Remove(filepath.Join(p.shard.path, p.name)); err != nil {
			t.Fatal(err)
		}
		for range 2 * idleAfter {
			_, _, _ = s.Get(t.Context(), "removed") // it is in use
			want(t, s, "left", "value")
			<-time.After(tidyEvery / 2)
		}
		<-time.After(1)
		synctest.Wait()
		wantMiss(t, s, "removed")
		if n := c.unmapped.Load(); n != 1 {
			t.Errorf("%d files were unmapped; want the one that was removed", n)
		}
	})
}

func TestAMappingThatNobodyUsesIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := openCounted(t, t.TempDir(), nil)
		set(t, s, "used", "value", time.Hour)
		set(t, s, "idle", "value", time.Hour)
		mapIt(t, s, c, "used", "value")
		mapIt(t, s, c, "idle", "value")
		for range 3 * idleAfter {
			<-time.After(tidyEvery)
			want(t, s, "used", "value")
		}
		if n, m := c.unmapped.Load(), c.mapped.Load(); n != 1 || m != 2 {
			t.Errorf("%d of %d files were unmapped; want that of the idle one of 2", n, m)
		}
	})
}

func TestCloseUndoesAllMappings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := openCounted(t, t.TempDir(), nil)
		for i := range 10 {
			set(t, s, fmt.Sprint(i), "value", time.Hour)
			mapIt(t, s, c, fmt.Sprint(i), "value")
		}
		_ = s.Close()
		if n := c.unmapped.Load(); n != 10 {
			t.Errorf("%d of 10 files were unmapped", n)
		}
	})
}

func TestAMappingInUseIsUndoneByItsLastReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := openCounted(t, t.TempDir(), nil)
		set(t, s, "key", "value", time.Hour)
		mapIt(t, s, c, "key", "value")
		h := hashOf("key")
		one, slot, _ := s.mapped.take(&h)
		_, _, _ = s.mapped.take(&h)
		_ = s.Close()
		s.mapped.give(slot, false)
		if value, _, ok := one.read(nil, "key", true); string(value) != "value" || !ok {
			t.Errorf("a reader of a store that is closed meanwhile has %q, %t; want the value", value, ok)
		}
		if n := c.unmapped.Load(); n != 0 {
			t.Error("the file was unmapped while somebody read it")
		}
		s.mapped.give(slot, true)
		if n := c.unmapped.Load(); n != 1 {
			t.Errorf("unmapped %d times by the last reader; want once", n)
		}
	})
}

func TestNoMoreIsMappedThanTheLimits(t *testing.T) {
	sys := direct()
	undone := 0
	sys.unmap = func([]byte) error { undone++; return nil }
	m := newMappings(&sys)
	big := make([]byte, 64<<20)
	for i := range 100 {
		h := hashOf(fmt.Sprint("big", i))
		m.unmap(m.put(new(directory), mapping{hash: h, bytes: big, used: true})...)
		if len(m.index) > 16 || m.bytes > maxMappedBytes {
			t.Fatalf("%d mappings of 64 MiB with %d bytes; want 1 GiB at most", len(m.index), m.bytes)
		}
	}
	if undone != 84 {
		t.Errorf("%d of 100 were undone; want 84", undone)
	}
	for i := range maxMappings + 100 {
		h := hashOf(fmt.Sprint("small", i))
		m.unmap(m.put(new(directory), mapping{hash: h, bytes: []byte{1}})...)
	}
	if len(m.index) != maxMappings || len(m.slots) > maxMappings+1 || m.bytes > maxMappedBytes {
		t.Errorf("%d mappings in %d slots with %d bytes; want %d", len(m.index), len(m.slots), m.bytes, maxMappings)
	}
}

func TestTheVictimIsOneThatWasNotUsedLately(t *testing.T) {
	sys := direct()
	sys.unmap = func([]byte) error { return nil }
	m := newMappings(&sys)
	hashes := make([]hash, 5)
	for i := range hashes {
		hashes[i] = hashOf(fmt.Sprint(i))
		m.put(new(directory), mapping{hash: hashes[i], bytes: []byte{1}, used: i != 3})
	}
	if at := m.victim(); m.slots[at].hash != hashes[3] {
		t.Errorf("the victim is number %d; want 3, which was not used", at)
	}
}

func TestSizesWithinAPageAndBeyondAreReadWhole(t *testing.T) {
	s, c := openCounted(t, t.TempDir(), nil)
	for _, n := range []int{0, 1, 4095, 4096, 4097, 128 << 10, 128<<10 + 1, 1 << 20, 3<<20 + 7} {
		key, value := fmt.Sprint(n), strings.Repeat("0123456", n/7+1)[:n]
		set(t, s, key, value, cache.Forever)
		mapIt(t, s, c, key, value)
		dst := []byte("dst:")
		if got, found, err := s.GetAppend(t.Context(), dst, key); string(got) != "dst:"+value || !found || err != nil {
			t.Errorf("GetAppend of %d bytes = %d bytes, %t, %v; want the value after dst", n, len(got), found, err)
		}
	}
}
