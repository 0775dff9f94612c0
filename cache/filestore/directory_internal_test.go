package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// The tests of directories that are replaced are in bubbles, where the sweeper comes when they say so.

// TestWhoUsesADirectoryThatWasRemovedKeepsNobodyFromTheNextOne is about somebody whose file system hangs there, or who has not had the processor since.
func TestWhoUsesADirectoryThatWasRemovedKeepsNobodyFromTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, _ := openCounted(t, dir, nil)
		set(t, s, "key", "old", time.Hour)
		p := s.placeOf("key")
		before, err := p.shard.enter(false)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, layout)); err != nil {
			t.Fatal(err)
		}
		wantMiss(t, s, "key")
		set(t, s, "key", "new", time.Hour)
		want(t, s, "key", "new")
		if i, err := s.sys.fstat(before.fd); err != nil || i.id != before.id {
			t.Errorf("the directory that is in use is %v, %v; want %v, open", i.id, err, before.id)
		}
		before.leave()
		if _, err := s.sys.fstat(before.fd); err == nil {
			t.Error("the directory that was removed is open after its last user has left")
		}
	})
}

func TestWhatIsReadInADirectoryThatWasReplacedIsNotMapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, c := openCounted(t, dir, nil)
		set(t, s, "key", "old", time.Hour)
		p := s.placeOf("key")
		before, err := p.shard.enter(false)
		if err != nil {
			t.Fatal(err)
		}
		defer before.leave()
		if err := os.Rename(p.shard.path, p.shard.path+".away"); err != nil {
			t.Fatal(err)
		}
		set(t, s, "key", "new", time.Hour) // the writer sees it, and forgets what was mapped
		for range 3 {
			if e, err := s.read(before, p); err != nil || string(e.value) != "old" {
				t.Fatalf("read in the directory before = %q, %v; want the old value", e.value, err)
			}
		}
		if c.mapped.Load() == 0 {
			t.Fatal("nothing was to be mapped")
		}
		want(t, s, "key", "new")
	})
}

func TestAShardThatIsClosedIsOpenedNoMore(t *testing.T) {
	s, _ := openCounted(t, t.TempDir(), nil)
	set(t, s, "key", "value", time.Hour)
	sh := s.placeOf("key").shard
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sh.enter(true); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("enter = %v; want that the store is closed", err)
	}
	if _, open := sh.tryEnter(); open {
		t.Error("the directory is open")
	}
}

func TestAFileThatHasBecomeForeignSinceItWasLookedAtStays(t *testing.T) {
	s, _ := openCounted(t, t.TempDir(), nil)
	set(t, s, "key", "value", time.Hour)
	p := s.placeOf("key")
	path := filepath.Join(p.shard.path, p.name)
	if err := os.WriteFile(path, []byte("somebody's notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	removed, _, err := s.weed(t.Context(), p.shard, []file{{name: p.name}}, func(*file) bool { return true })
	if len(removed) != 0 || err != nil {
		t.Errorf("weed removed %d files, %v; want none", len(removed), err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
