package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/filestore"
)

// mounts runs body in a mount namespace of its own, with a file system of 2 MB in memory at dir.
func mounts(t *testing.T, body func(t *testing.T, dir string)) {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
	if !inChild(t) {
		probe := childOf(t, attr)
		probe.Args = append(probe.Args, "-test.list=^$")
		if err := probe.Run(); err != nil {
			t.Logf("not run: %s: no mount namespace can be had: %v", t.Name(), err)
			return
		}
	}
	apart(t, attr, func(t *testing.T) {
		dir := t.TempDir()
		must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
			t.Logf("not run: %s: nothing can be mounted: %v", t.Name(), err)
			return
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		body(t, dir)
	})
}

func TestOnAFullFileSystemASetSaysSoAndTheOldValueStands(t *testing.T) {
	mounts(t, func(t *testing.T, dir string) {
		s := open(t, dir, nil)
		set(t, s, "k", oldValue)
		set(t, s, "mapped", oldValue)
		read(t, s, "mapped", oldValue)
		filler := filepath.Join(dir, "filler")
		if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		large := strings.Repeat(newValue, 10_000)
		for _, key := range []string{"k", "mapped", "new"} {
			wantTrouble(t, s.Set(t.Context(), key, []byte(large), time.Hour), "set", key, syscall.ENOSPC)
		}
		wantValue(t, s, "k", oldValue)
		wantValue(t, s, "mapped", oldValue)
		wantMiss(t, s, "new")
		wantNoTemporaries(t, dir)
		must(t, s.Ping(t.Context()))
		must(t, s.Delete(t.Context(), "mapped")) // which needs no space
		wantMiss(t, s, "mapped")
		must(t, os.Remove(filler))
		for _, key := range []string{"k", "mapped", "new"} {
			set(t, s, key, large)
			wantValue(t, s, key, large)
		}
	})
}

// A system that has found a fault in a file system makes it read-only under those who write there. An operator cannot, while a file is mapped to be written, as
// the generations are: so here they come from elsewhere.
func TestOnAReadOnlyFileSystemEntriesAreReadAndASetSaysWhy(t *testing.T) {
	mounts(t, func(t *testing.T, dir string) {
		base, elsewhere := filepath.Join(dir, "larder.v1"), filepath.Join(t.TempDir(), "generations")
		must(t, os.Mkdir(base, 0o700))
		for _, path := range []string{elsewhere, filepath.Join(base, "generations")} {
			must(t, os.WriteFile(path, nil, 0o600))
		}
		must(t, syscall.Mount(elsewhere, filepath.Join(base, "generations"), "", syscall.MS_BIND, ""))
		t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(base, "generations"), syscall.MNT_DETACH) })
		s := open(t, dir, nil)
		for _, key := range []string{"k", "mapped", "deleted"} {
			set(t, s, key, oldValue)
		}
		must(t, s.Set(t.Context(), "expired", []byte(oldValue), time.Nanosecond))
		read(t, s, "mapped", oldValue)
		must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		for _, key := range []string{"k", "mapped", "new"} {
			wantTrouble(t, s.Set(t.Context(), key, []byte(newValue), time.Hour), "set", key, syscall.EROFS)
		}
		wantTrouble(t, s.Delete(t.Context(), "deleted"), "delete", "deleted", syscall.EROFS)
		wantTrouble(t, s.Ping(t.Context()), "ping", "", syscall.EROFS)
		for range 3 {
			wantValue(t, s, "k", oldValue)
			wantValue(t, s, "mapped", oldValue)
			wantMiss(t, s, "expired")
			wantMiss(t, s, "deleted")
		}
		if other, err := filestore.Open(dir, nil); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Open = %v, want an error that names %s", err, dir)
			if err == nil {
				_ = other.Close()
			}
		}
		must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
		must(t, s.Ping(t.Context()))
		wantMiss(t, s, "deleted")
		for _, key := range []string{"k", "mapped", "new", "deleted", "expired"} {
			set(t, s, key, newValue)
			wantValue(t, s, key, newValue)
		}
	})
}
