package filestore_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// newer are files that a later program may write: of them only the first nine bytes are agreed on.
func newer() map[string][]byte {
	return map[string][]byte{
		"of the same layout":         entry{version: 2, key: "key", value: []byte("value"), expires: never}.bytes(),
		"that would have expired":    entry{version: 2, key: "key", value: []byte("value"), expires: 1}.bytes(),
		"of the last version":        entry{version: 255, key: "key", value: []byte("value"), expires: never}.bytes(),
		"of another layout":          append([]byte("\x89LARDER\n\x02"), bytes.Repeat([]byte("other"), 3000)...),
		"with a shorter head":        []byte("\x89LARDER\n\x02key value"),
		"that has its version alone": []byte("\x89LARDER\n\x02"),
	}
}

func TestAnEntryOfANewerVersionIsAMissAndStaysUntilItIsReplaced(t *testing.T) {
	for name, b := range newer() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := putFile(t, dir, "key", b)
			s := open(t, dir, nil)
			stays := func(after string) {
				t.Helper()
				if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, b) {
					t.Fatalf("after %s the file is %.60q, %v; want it as it was", after, left, err)
				}
			}
			for method, find := range finders() {
				putFile(t, dir, "key", b)
				if found, err := find(t, s, "key", []byte("value")); found || err != nil {
					t.Errorf("%s: found is %t, %v; want a miss", method, found, err)
				}
				if method != "Add" && method != "Increment" && method != "Take" { // these store
					stays(method)
				}
			}
			putFile(t, dir, "key", b)
			if n, err := s.DeleteExpired(t.Context()); n != 0 || err != nil {
				t.Errorf("DeleteExpired = %d, %v; want 0", n, err)
			}
			stays("DeleteExpired")
			must(t, s.Clear(t.Context(), ""))
			stays("Clear")
			if all := keysOf(t, s); len(all) != 0 {
				t.Errorf("Keys yields %v; want none", all)
			}
			must(t, s.Set(t.Context(), "key", []byte("new"), cache.Forever))
			wantBytes(t, s, "key", []byte("new"))
			putFile(t, dir, "key", b)
			must(t, s.Delete(t.Context(), "key"))
			if _, err := os.Lstat(path); err == nil {
				t.Error("the file is there after Delete")
			}
		})
	}
}

func TestAnEntryOfANewerVersionCountsForMaxBytesAndIsNotEvicted(t *testing.T) {
	dir := t.TempDir()
	path := putFile(t, dir, "newer", append([]byte("\x89LARDER\n\x02"), make([]byte, 40<<10)...))
	s := open(t, dir, &filestore.Options{MaxBytes: 64 << 10})
	for i := range 7 {
		must(t, s.Set(t.Context(), fmt.Sprint(i), make([]byte, 7<<10), time.Hour)) // 8 KiB each: 56 without the newer one
	}
	_, err := s.DeleteExpired(t.Context())
	must(t, err)
	if n := len(keysOf(t, s)); n != 2 {
		t.Errorf("%d entries are left; want the 2 that have room beside the newer one", n)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
