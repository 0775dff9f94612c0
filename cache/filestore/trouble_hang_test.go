package filestore_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/internal/wait"
)

// hangTimeout is long enough for what is done before the file system hangs.
const hangTimeout = time.Second

func openBehind(t *testing.T, gate *filestore.Gate, dir string) *filestore.Store {
	t.Helper()
	s, err := filestore.OpenWith(gate.Through(filestore.Direct()), dir, &filestore.Options{Timeout: hangTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		s.Wait()
	})
	return s
}

func TestWhereTheFileSystemHangsEveryCallReturnsInTime(t *testing.T) {
	gate, dir := new(filestore.Gate), t.TempDir()
	s := openBehind(t, gate, dir)
	set(t, s, "mapped", oldValue)
	set(t, s, "k", oldValue)
	read(t, s, "mapped", oldValue)
	restore := sync.OnceFunc(gate.Shut())
	t.Cleanup(restore)
	var calls sync.WaitGroup
	for name, call := range map[string]func() error{
		"Set":           func() error { return s.Set(t.Context(), "k", []byte(newValue), time.Hour) },
		"Get":           func() error { _, _, err := s.Get(t.Context(), "k"); return err },
		"Exists":        func() error { _, err := s.Exists(t.Context(), "k"); return err },
		"TTL":           func() error { _, _, err := s.TTL(t.Context(), "k"); return err },
		"Delete":        func() error { return s.Delete(t.Context(), "other") },
		"Clear":         func() error { return s.Clear(t.Context(), "@a:") },
		"Add":           func() error { _, err := s.Add(t.Context(), "k", nil, time.Hour); return err },
		"Increment":     func() error { _, err := s.Increment(t.Context(), "k", 1, time.Hour); return err },
		"Touch":         func() error { _, err := s.Touch(t.Context(), "k", time.Hour); return err },
		"GetMany":       func() error { _, err := s.GetMany(t.Context(), []string{"k"}); return err },
		"SetMany":       func() error { return s.SetMany(t.Context(), map[string][]byte{"k": nil}, time.Hour) },
		"DeleteMany":    func() error { return s.DeleteMany(t.Context(), []string{"other"}) },
		"DeleteExpired": func() error { _, err := s.DeleteExpired(t.Context()); return err },
		"Ping":          func() error { return s.Ping(t.Context()) },
		"Keys": func() (err error) {
			for _, err = range s.Keys(t.Context(), "") {
				break
			}
			return err
		},
		"CompareAndSwap": func() error { _, err := s.CompareAndSwap(t.Context(), "k", nil, nil, time.Hour); return err },
	} {
		calls.Go(func() {
			if err := call(); !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("%s = %v, want ErrUnavailable", name, err)
			}
		})
	}
	calls.Wait()
	wantValue(t, s, "mapped", oldValue)
	restore()
	wait.Until(t, func() bool { return s.Set(t.Context(), "k", []byte(newValue), time.Hour) == nil })
	wantValue(t, s, "k", newValue)
	wantValue(t, s, "mapped", oldValue)
}

func TestWhereTheFileSystemHangsSixtyFourCallsAreLeftBehindAtMost(t *testing.T) {
	gate := new(filestore.Gate)
	s := openBehind(t, gate, t.TempDir())
	set(t, s, "mapped", oldValue)
	read(t, s, "mapped", oldValue)
	var mu sync.Mutex
	restore := sync.OnceFunc(gate.Shut())
	t.Cleanup(restore)
	var calls sync.WaitGroup
	failed := 0
	for range 100 {
		calls.Go(func() {
			if _, _, err := s.Get(t.Context(), "k"); errors.Is(err, cache.ErrUnavailable) {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	}
	calls.Wait()
	if failed != 100 {
		t.Errorf("%d of 100 calls failed", failed)
	}
	if n := gate.Waiting(); n > 64+1 { // and the work in the background
		t.Errorf("%d calls were left behind, want 64 at most", n)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Ping = %v, want ErrUnavailable", err)
	}
	wantValue(t, s, "mapped", oldValue)
	restore()
	wait.Until(t, func() bool { return gate.Waiting() == 0 })
	set(t, s, "k", newValue)
	wantValue(t, s, "k", newValue)
}

// What is left behind ends when the file system answers: TestMain looks for it.
func TestWhereTheFileSystemHangsCloseReturnsInTime(t *testing.T) {
	gate := new(filestore.Gate)
	s := openBehind(t, gate, t.TempDir())
	set(t, s, "k", oldValue)
	restore := sync.OnceFunc(gate.Shut())
	t.Cleanup(restore)
	_, _, _ = s.Get(t.Context(), "k")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The work in the background looks at the files each second.
func TestWhereTheFileSystemHangsCloseDoesNotWaitForTheWorkInTheBackground(t *testing.T) {
	gate := new(filestore.Gate)
	s := openBehind(t, gate, t.TempDir())
	set(t, s, "k", oldValue)
	restore := sync.OnceFunc(gate.Shut())
	t.Cleanup(restore)
	wait.Until(t, func() bool { return gate.Waiting() > 0 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
