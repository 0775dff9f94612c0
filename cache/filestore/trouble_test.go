package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

const (
	oldValue = "7040917"
	newValue = "confidential"
)

// write is a call that writes, where the value under key is oldValue but for an Add.
type write struct {
	op    string // as errors name it
	fresh bool   // there must be no entry
	reads bool   // the entry's file, first
	call  func(ctx context.Context, s *filestore.Store, key string) error
	want  string // the value after it
}

func writes() []write {
	return []write{
		{op: "set", want: newValue, call: func(ctx context.Context, s *filestore.Store, key string) error {
			return s.Set(ctx, key, []byte(newValue), time.Hour)
		}},
		{op: "set", reads: true, want: newValue, call: func(ctx context.Context, s *filestore.Store, key string) error {
			return s.Set(ctx, key, []byte(newValue), cache.KeepTTL)
		}},
		{op: "add", fresh: true, reads: true, want: newValue, call: func(ctx context.Context, s *filestore.Store, key string) error {
			return wanted(s.Add(ctx, key, []byte(newValue), time.Hour))
		}},
		{op: "increment", reads: true, want: "7040918", call: func(ctx context.Context, s *filestore.Store, key string) error {
			_, err := s.Increment(ctx, key, 1, time.Hour)
			return err
		}},
		{op: "swap", reads: true, want: newValue, call: func(ctx context.Context, s *filestore.Store, key string) error {
			return wanted(s.CompareAndSwap(ctx, key, []byte(oldValue), []byte(newValue), time.Hour))
		}},
		{op: "touch", reads: true, want: oldValue, call: func(ctx context.Context, s *filestore.Store, key string) error {
			return wanted(s.Touch(ctx, key, 2*time.Hour))
		}},
		{op: "renew", reads: true, want: oldValue, call: func(ctx context.Context, s *filestore.Store, key string) error {
			_, found, err := s.GetAndRenew(ctx, key, 2*time.Hour)
			return wanted(found, err)
		}},
	}
}

// wanted makes an error of a call that had none, and did nothing.
func wanted(done bool, err error) error {
	if err == nil && !done {
		return errors.New("nothing was done")
	}
	return err
}

func TestAWriteThatTheSystemRefusesSaysSoAndTheOldValueStands(t *testing.T) {
	for _, tc := range []struct {
		name   string
		call   string
		errs   []error
		sync   filestore.Sync
		unopen bool // the store has not opened the shard
		reads  bool // only a write that reads
	}{
		{name: "no file can be made", call: "create",
			errs: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.EACCES, syscall.EROFS}},
		{name: "a file cannot be written", call: "write", errs: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EFBIG}},
		{name: "a file cannot be written to its end", call: "writeRest", errs: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO}},
		{name: "a write takes nothing", call: "writeNothing", errs: []error{io.ErrShortWrite}},
		{name: "a file does not reach the disk", call: "sync", errs: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO}, sync: filestore.SyncFile},
		{name: "a file cannot be closed", call: "close", errs: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO}},
		{name: "a file cannot be renamed", call: "rename", errs: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EACCES, syscall.EROFS}},
		{name: "no lock can be had", call: "lock", errs: []error{syscall.ENOLCK, syscall.EIO}},
		{name: "no directory can be opened", call: "openDir", errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.EACCES, syscall.EIO}, unopen: true},
		{name: "a file cannot be opened", call: "open", errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.EIO}, reads: true},
	} {
		for _, errno := range tc.errs {
			for i, w := range writes() {
				if tc.reads && !w.reads {
					continue
				}
				t.Run(fmt.Sprintf("%s: %v/%s %d", tc.name, errno, w.op, i), func(t *testing.T) {
					dir, faults, key := t.TempDir(), new(filestore.Faults), fmt.Sprintf("a key:%d", i)
					s := openThrough(t, faults, dir, &filestore.Options{Sync: tc.sync})
					other := open(t, dir, nil)
					if !w.fresh {
						set(t, other, key, oldValue)
					}
					if !tc.unopen {
						wantOld(t, s, key, w)
					}
					restore := faults.Refuse(tc.call, errno)
					wantTrouble(t, w.call(t.Context(), s, key), w.op, key, errno)
					wantOld(t, other, key, w)
					restore()
					wantOld(t, s, key, w)
					wantNoTemporaries(t, dir)
					if err := w.call(t.Context(), s, key); err != nil {
						t.Errorf("after the trouble: %v", err)
					}
					wantValue(t, s, key, w.want)
					wantValue(t, other, key, w.want)
				})
			}
		}
	}
}

func TestTheFirstWriteToAShardSaysWhyNoDirectoryCanBeMade(t *testing.T) {
	for _, errno := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EACCES, syscall.EROFS} {
		dir, faults := t.TempDir(), new(filestore.Faults)
		s := openThrough(t, faults, dir, nil)
		restore := faults.Refuse("makeDir", errno)
		err := s.Set(t.Context(), "k", []byte(newValue), time.Hour)
		wantTrouble(t, err, "set", "k", errno)
		if shard := filepath.Dir(fileOf(dir, "k")); err != nil && !strings.Contains(err.Error(), shard) {
			t.Errorf("%q does not name %s", err, shard)
		}
		wantMiss(t, s, "k")
		restore()
		set(t, s, "k", newValue)
		wantValue(t, s, "k", newValue)
	}
}

func TestAGetThatTheSystemRefusesSaysSoUnlessTheEntryIsMapped(t *testing.T) {
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EIO} {
		faults := new(filestore.Faults)
		s := openThrough(t, faults, t.TempDir(), nil)
		set(t, s, "mapped", oldValue)
		set(t, s, "k", oldValue)
		read(t, s, "mapped", oldValue)
		restore := faults.Refuse("open", errno)
		_, _, err := s.Get(t.Context(), "k")
		wantTrouble(t, err, "get", "k", errno)
		wantValue(t, s, "mapped", oldValue)
		restore()
		wantValue(t, s, "k", oldValue)
	}
}

func TestAnInvalidationThatTheSystemRefusesSaysSoAndLeavesAMiss(t *testing.T) {
	invalidations := []struct {
		op, key string // as the error names them
		call    func(ctx context.Context, s *filestore.Store) error
	}{
		{"delete", "@a:k", func(ctx context.Context, s *filestore.Store) error { return s.Delete(ctx, "@a:k") }},
		{"clear", "@a:", func(ctx context.Context, s *filestore.Store) error { return s.Clear(ctx, "@a:") }},
		{"delete many of 1 key", "", func(ctx context.Context, s *filestore.Store) error { return s.DeleteMany(ctx, []string{"@a:k"}) }},
	}
	for _, tc := range []struct {
		name  string
		call  string
		errs  []error
		blind bool // no file can be read, so a Get may say so
		only  string
	}{
		{name: "a file cannot be removed", call: "unlink", errs: []error{syscall.EROFS, syscall.EACCES, syscall.EIO}},
		{name: "the removal does not reach the disk", call: "syncDir", errs: []error{syscall.EIO}},
		{name: "no lock can be had", call: "lock", errs: []error{syscall.ENOLCK}},
		{name: "a file cannot be opened", call: "open", errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.EIO}, blind: true},
		{name: "a directory cannot be listed", call: "list", errs: []error{syscall.EMFILE, syscall.EACCES}, only: "clear"},
	} {
		for _, errno := range tc.errs {
			for _, inv := range invalidations {
				if tc.only != "" && tc.only != inv.op {
					continue
				}
				for _, mapped := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s: %v/%s/mapped %t", tc.name, errno, inv.op, mapped), func(t *testing.T) {
						dir, faults := t.TempDir(), new(filestore.Faults)
						s := openThrough(t, faults, dir, &filestore.Options{Sync: filestore.SyncFull})
						set(t, s, "@a:k", oldValue)
						set(t, s, "@b:k", oldValue)
						if mapped {
							read(t, s, "@a:k", oldValue)
						}
						restore := faults.Refuse(tc.call, errno)
						wantTrouble(t, inv.call(t.Context(), s), inv.op, inv.key, errno)
						if v, found, err := s.Get(t.Context(), "@a:k"); found || err != nil && !tc.blind {
							t.Errorf("in the trouble, Get = %q, %t, %v, want a miss", v, found, err)
						}
						restore()
						wantMiss(t, s, "@a:k")
						wantValue(t, s, "@b:k", oldValue)
						if err := inv.call(t.Context(), s); err != nil {
							t.Errorf("after the trouble: %v", err)
						}
						wantMiss(t, s, "@a:k")
						wantMiss(t, open(t, dir, nil), "@a:k")
						set(t, s, "@a:k", newValue)
						wantValue(t, s, "@a:k", newValue)
					})
				}
			}
		}
	}
}

// A Set whose name may not have reached the disk has taken effect or not: what it says must not be either value.
func TestASetWhoseNameDoesNotReachTheDiskIsAnErrorAndAMiss(t *testing.T) {
	faults := new(filestore.Faults)
	s := openThrough(t, faults, t.TempDir(), &filestore.Options{Sync: filestore.SyncFull})
	set(t, s, "k", oldValue)
	read(t, s, "k", oldValue)
	restore := faults.Refuse("syncDir", syscall.EIO)
	wantTrouble(t, s.Set(t.Context(), "k", []byte(newValue), time.Hour), "set", "k", syscall.EIO)
	wantMiss(t, s, "k")
	restore()
	wantMiss(t, s, "k")
	set(t, s, "k", newValue)
	wantValue(t, s, "k", newValue)
}

func openThrough(t *testing.T, faults *filestore.Faults, dir string, o *filestore.Options) *filestore.Store {
	t.Helper()
	s, err := filestore.OpenWith(faults.Through(filestore.Direct()), dir, filestore.Patient(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func set(t *testing.T, s *filestore.Store, key, value string) {
	t.Helper()
	if err := s.Set(t.Context(), key, []byte(value), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// read reads an entry until its file is mapped.
func read(t *testing.T, s *filestore.Store, key, want string) {
	t.Helper()
	for range 3 {
		wantValue(t, s, key, want)
	}
}

func wantValue(t *testing.T, s *filestore.Store, key, want string) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); string(v) != want || !found || err != nil {
		t.Errorf("Get(%q) = %q, %t, %v, want %q", key, v, found, err, want)
	}
}

func wantMiss(t *testing.T, s *filestore.Store, key string) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); found || err != nil {
		t.Errorf("Get(%q) = %q, %t, %v, want a miss", key, v, found, err)
	}
}

func wantOld(t *testing.T, s *filestore.Store, key string, w write) {
	t.Helper()
	if w.fresh {
		wantMiss(t, s, key)
	} else {
		wantValue(t, s, key, oldValue)
	}
}

// wantTrouble wants an error that a service can act on and an operator can read. An empty key is none.
func wantTrouble(t *testing.T, err error, op, key string, why error) {
	t.Helper()
	if !errors.Is(err, cache.ErrUnavailable) || !errors.Is(err, why) {
		t.Errorf("%v, want ErrUnavailable and %q", err, why)
		return
	}
	text, begins := err.Error(), "cache: "+op
	if key != "" {
		begins += fmt.Sprintf(" %q", key)
	}
	if !strings.HasPrefix(text, begins+": ") || strings.Count(text, begins) != 1 {
		t.Errorf("%q does not begin with %q, once", text, begins)
	}
	if key != "" && strings.Count(text, fmt.Sprintf("%q", key)) != 1 {
		t.Errorf("%q has the key more than once", text)
	}
	if !strings.Contains(text, why.Error()) {
		t.Errorf("%q does not say %q", text, why)
	}
	if strings.Contains(text, newValue) || strings.Contains(text, oldValue) || strings.Contains(text, "\n") {
		t.Errorf("%q has a value or more than a line", text)
	}
}

func wantNoTemporaries(t *testing.T, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".tmp") {
			t.Errorf("%s was left", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
