package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// durabilities of which each library has those that the comparisons use.
func durabilities(l fileLibrary) []durability {
	if l.name == nameFilestore || l.name == nameFiles {
		return []durability{durableNone, durableBytes, durableFull}
	}
	return []durability{durableNone, durableFull}
}

func TestEveryFileStoreKeepsWhatWasSetUntilItIsCleared(t *testing.T) {
	for _, l := range fileLibraries() {
		for _, d := range durabilities(l) {
			dir := filepath.Join(t.TempDir(), l.name)
			s, err := l.filled(t.Context(), dir, d, entryKeys("", 3), []byte("filled"))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.set(t.Context(), entryKey(1), []byte("value")), s.set(t.Context(), "new", []byte("value")), s.close()); err != nil {
				t.Fatalf("%s, %d: %v", l.name, d, err)
			}
			if s, err = l.open(dir, d); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.close() })
			for key, want := range map[string]string{entryKey(0): "filled", entryKey(1): "value", "new": "value"} {
				if value, err := s.get(t.Context(), key); err != nil || string(value) != want {
					t.Errorf("%s, %d: get %q = %q, %v; want %q", l.name, d, key, value, err, want)
				}
			}
			if value, err := s.get(t.Context(), "another"); err == nil {
				t.Errorf("%s, %d: get of what was not set = %q", l.name, d, value)
			}
			if err := s.clear(t.Context()); err != nil {
				t.Fatalf("%s, %d: %v", l.name, d, err)
			}
			for _, key := range []string{entryKey(0), "new"} {
				if value, err := s.get(t.Context(), key); err == nil {
					t.Errorf("%s, %d: after clear, get %q = %q", l.name, d, key, value)
				}
			}
			if err := s.set(t.Context(), "new", []byte("value")); err != nil {
				t.Errorf("%s, %d: set after clear: %v", l.name, d, err)
			}
		}
	}
}

func TestWhatAFileStoreReturnsIsTheCallers(t *testing.T) {
	g, err := fillFiles(t.Context(), fileLibraries(), durableNone, entryKeys("", 1), []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range g.stores {
		for range 4 { // filestore has it mapped by then
			value, err := s.get(t.Context(), entryKey(0))
			if err != nil || string(value) != "value" {
				t.Fatalf("%s: get = %q, %v", g.libraries[i].name, value, err)
			}
			value[0] = 'V'
		}
	}
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(g.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stores' directory: %v, want it gone", err)
	}
}

func TestAStoreThatCannotBeOpenedLeavesNothingBehind(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	broken := fileLibrary{"broken", func(string, durability) (fileStore, error) { return nil, errors.New("no") }}
	_, err := fillFiles(t.Context(), append(fileLibraries(), broken), durableNone, entryKeys("", 1), []byte("value"))
	if err == nil || !strings.Contains(err.Error(), "broken: no") {
		t.Errorf("error %v, want the one of whom it was", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestWorkThatIsDoneTogetherIsDoneOnceAndEndsWithAnError(t *testing.T) {
	done := make([]int, 1000)
	if err := together(len(done), func(n int) error { done[n]++; return nil }); err != nil {
		t.Fatal(err)
	}
	for n, times := range done {
		if times != 1 {
			t.Errorf("number %d was done %d times", n, times)
		}
	}
	failure := errors.New("no")
	if err := together(1000, func(n int) error {
		if n == 10 {
			return failure
		}
		return nil
	}); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
}
