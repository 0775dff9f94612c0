package filestore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// seal puts the sums of a file right that has room for them.
func seal(b []byte) {
	if len(b) < 40 {
		return
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	end := min(len(b), 40+int(binary.LittleEndian.Uint16(b[10:])))
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[end:], castagnoli))
	binary.LittleEndian.PutUint32(b[36:], crc32.Update(crc32.Checksum(b[:36], castagnoli), castagnoli, b[40:end]))
}

// Whatever bytes are in the place of a key's file, they are its entry to every method or to none.
func FuzzFile(f *testing.F) {
	const key = "key"
	valid := entry{version: 1, key: key, value: []byte("41"), expires: never, created: 1}
	f.Add(valid.bytes(), false)
	f.Add(entry{version: 1, key: key, value: []byte("text"), expires: never}.bytes(), false)
	f.Add(entry{version: 1, key: key, value: []byte("gcra2"), expires: 1 << 62}.bytes(), false)
	f.Add(entry{version: 1, key: key, expires: 1}.bytes(), false)
	f.Add(entry{version: 1, key: key, value: []byte("v"), expires: math.MinInt64}.bytes(), false)
	f.Add(entry{version: 1, key: "kez", value: []byte("v"), expires: never}.bytes(), false)
	f.Add(entry{version: 2, key: key, value: []byte("v"), expires: never}.bytes(), false)
	f.Add(entry{version: 1, reserved: 1, key: key, value: []byte("v"), expires: never}.bytes(), false)
	f.Add(valid.bytes()[:40], true)
	f.Add([]byte("none of ours"), false)
	f.Add([]byte{}, false)
	f.Add(make([]byte, 45), false)
	dir := filestore.QuickDir(f)
	s, err := filestore.Open(dir, &filestore.Options{Timeout: time.Minute})
	must(f, err)
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			seal(b)
		}
		e, ok := parse(key, b)
		if (time.Until(time.Unix(0, e.expires))).Abs() < time.Hour {
			return // it may expire meanwhile
		}
		live := ok && e.expires > time.Now().UnixNano()
		for name, find := range finders() {
			if name == "Take" && bytes.HasPrefix(e.value, []byte("gcra2")) {
				continue
			}
			must(t, s.Delete(t.Context(), key)) // so that nothing is mapped
			putFile(t, dir, key, b)
			for range 4 {
				if found, err := find(t, s, key, e.value); found != live || err != nil {
					t.Errorf("%s: found is %t, %v; want %t", name, found, err, live)
				}
				if changes(name) {
					break
				}
			}
		}
		putFile(t, dir, key, b)
		_, err := s.DeleteExpired(t.Context())
		must(t, err)
		// The value is not looked at: of what is live nothing has been removed.
		if left, err := os.ReadFile(fileOf(dir, key)); live && (err != nil || !bytes.Equal(left, b)) {
			t.Errorf("DeleteExpired has left %x, %v; want %x", left, err, b)
		}
		must(t, s.Clear(t.Context(), "k"))
		wantMiss(t, s, key)
		if keysOf(t, s)[key] {
			t.Error("Keys yields the key after a Clear")
		}
		putFile(t, dir, key, b)
		must(t, s.Set(t.Context(), key, []byte("new"), cache.Forever))
		for range 3 {
			wantBytes(t, s, key, []byte("new"))
		}
	})
}

// changes tells whether what the method does not find now it may find then.
func changes(name string) bool {
	switch name {
	case "Get", "GetMany", "Exists", "TTL":
		return false
	}
	return true
}

// finders tell by each method whether there is an entry under key. Of one whose value is not the one that is wanted they give an error.
func finders() map[string]func(t *testing.T, s *filestore.Store, key string, value []byte) (found bool, err error) {
	same := func(got, want []byte, found bool, err error) (bool, error) {
		if found && !bytes.Equal(got, want) {
			err = errors.Join(err, errors.New("the value is another"))
		}
		return found, err
	}
	return map[string]func(t *testing.T, s *filestore.Store, key string, value []byte) (found bool, err error){
		"Get": func(t *testing.T, s *filestore.Store, key string, value []byte) (bool, error) {
			got, found, err := s.Get(t.Context(), key)
			return same(got, value, found, err)
		},
		"GetMany": func(t *testing.T, s *filestore.Store, key string, value []byte) (bool, error) {
			items, err := s.GetMany(t.Context(), []string{key})
			got, found := items[key]
			return same(got, value, found, err)
		},
		"GetAndRenew": func(t *testing.T, s *filestore.Store, key string, value []byte) (bool, error) {
			got, found, err := s.GetAndRenew(t.Context(), key, time.Hour)
			return same(got, value, found, err)
		},
		"Exists": func(t *testing.T, s *filestore.Store, key string, _ []byte) (bool, error) {
			return s.Exists(t.Context(), key)
		},
		"TTL": func(t *testing.T, s *filestore.Store, key string, _ []byte) (bool, error) {
			_, found, err := s.TTL(t.Context(), key)
			return found, err
		},
		"Touch": func(t *testing.T, s *filestore.Store, key string, _ []byte) (bool, error) {
			return s.Touch(t.Context(), key, time.Hour)
		},
		"Add": func(t *testing.T, s *filestore.Store, key string, _ []byte) (bool, error) {
			stored, err := s.Add(t.Context(), key, []byte("added"), time.Hour)
			return !stored, err
		},
		"Set with KeepTTL": func(t *testing.T, s *filestore.Store, key string, _ []byte) (bool, error) {
			err := s.Set(t.Context(), key, []byte("kept"), cache.KeepTTL)
			if errors.Is(err, cache.ErrNotFound) {
				return false, nil
			}
			return true, err
		},
		"CompareAndSwap": func(t *testing.T, s *filestore.Store, key string, value []byte) (bool, error) {
			return s.CompareAndSwap(t.Context(), key, value, []byte("swapped"), time.Hour)
		},
		"CompareAndDelete": func(t *testing.T, s *filestore.Store, key string, value []byte) (bool, error) {
			return s.CompareAndDelete(t.Context(), key, value)
		},
		"Increment": func(t *testing.T, s *filestore.Store, key string, value []byte) (bool, error) {
			if string(value) == "0" {
				return s.Exists(t.Context(), key) // the sum would not tell
			}
			sum, err := s.Increment(t.Context(), key, 7, time.Hour)
			want, wantErr := cache.Sum(value, 7)
			switch {
			case wantErr != nil && err != nil && !errors.Is(err, cache.ErrUnavailable):
				return true, nil
			case err == nil && wantErr == nil && sum == want:
				return true, nil
			case err == nil && sum == 7:
				return false, nil
			}
			return false, errors.Join(err, fmt.Errorf("the sum is %d", sum))
		},
		// What is live should be no state of a limit.
		"Take": func(t *testing.T, s *filestore.Store, key string, _ []byte) (bool, error) {
			d, err := s.Take(t.Context(), key, []cache.Limit{{Requests: 10, Period: time.Hour}}, 3)
			if err == nil && d.Remaining != 7 {
				err = fmt.Errorf("%d remain", d.Remaining)
			}
			if err != nil && !errors.Is(err, cache.ErrUnavailable) {
				return true, nil
			}
			return false, err
		},
	}
}
