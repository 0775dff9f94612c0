package filestore_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// entry is what an entry's file says, by the table in FORMAT.md and without the code of the store.
type entry struct {
	version, reserved byte
	key               string
	value             []byte
	expires, created  int64
}

const never = math.MaxInt64

func (e entry) bytes() []byte {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	b := append([]byte("\x89LARDER\n"), e.version, e.reserved)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.key)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.value)))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.expires))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.created))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(e.value, castagnoli))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(append(bytes.Clone(b), e.key...), castagnoli))
	return append(append(b, e.key...), e.value...)
}

// parse reads an entry of key, if b is one to the last byte.
func parse(key string, b []byte) (e entry, ok bool) {
	if len(b) < 40+len(key) {
		return entry{}, false
	}
	e = entry{
		version: 1, key: key, value: b[40+len(key):],
		expires: int64(binary.LittleEndian.Uint64(b[16:])), created: int64(binary.LittleEndian.Uint64(b[24:])),
	}
	return e, bytes.Equal(e.bytes(), b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// putFile makes b the file of key, in a directory or in one that a store is on.
func putFile(t testing.TB, dir, key string, b []byte) (path string) {
	t.Helper()
	path = fileOf(dir, key)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, b, 0o600))
	return path
}

func wantBytes(t *testing.T, s *filestore.Store, key string, value []byte) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); err != nil || !found || !bytes.Equal(v, value) {
		t.Errorf("Get(%q) = %.40q (%d bytes), %t, %v; want %.40q (%d bytes)", key, v, len(v), found, err, value, len(value))
	}
}

// keysOf are the keys that the store yields.
func keysOf(t testing.TB, s *filestore.Store) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	for key, err := range s.Keys(t.Context(), "") {
		must(t, err)
		all[key] = true
	}
	return all
}

func TestAnEntryIsWrittenAsTheTableInFormatHasIt(t *testing.T) {
	for name, want := range map[string]entry{
		"an empty value":      {key: "@shop:basket", value: []byte{}, expires: never},
		"a value":             {key: "@shop:basket", value: []byte("three pears"), expires: int64(time.Hour)},
		"one of many blocks":  {key: "k", value: bytes.Repeat([]byte("pear"), 50_000), expires: int64(time.Hour)},
		"the longest key":     {key: strings.Repeat("k", 4096), value: []byte("v"), expires: never},
		"a key that is bytes": {key: "\x00\xff\n/..", value: []byte("v"), expires: never},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, nil)
			ttl := time.Duration(want.expires)
			if want.expires == never {
				ttl = cache.Forever
			}
			before := time.Now().UnixNano()
			must(t, s.Set(t.Context(), want.key, want.value, ttl))
			after := time.Now().UnixNano()
			b, err := os.ReadFile(fileOf(dir, want.key))
			must(t, err)
			want.version, want.created = 1, int64(binary.LittleEndian.Uint64(b[24:]))
			if want.created < before || want.created > after {
				t.Errorf("it says that it was stored at %d; want between %d and %d", want.created, before, after)
			}
			if want.expires != never {
				want.expires += want.created
			}
			if !bytes.Equal(b, want.bytes()) {
				t.Errorf("the file begins\n%x; want\n%x", b[:min(len(b), 60)], want.bytes()[:min(len(b), 60)])
			}
		})
	}
}

// golden was put together from the table by hand: an entry that expires in the year 2100.
const golden = "89 4c 41 52 44 45 52 0a" + // at 0: the eight bytes
	"01 00" + // version
	"0c 00" + // length of the key
	"0b 00 00 00" + // length of the value
	"00 00 a6 56 cf cf ee 38" + // expiry: 4102444800000000000
	"7b 00 fa ed 51 72 86 18" + // stored: 1767225600000000123
	"b4 fd 9d df" + // sum of the value
	"81 3c d5 0a" + // sum of the head and the key
	"40 73 68 6f 70 3a 62 61 73 6b 65 74" + // @shop:basket
	"74 68 72 65 65 20 70 65 61 72 73" // three pears

func TestAnEntryThatWasWrittenByHandIsRead(t *testing.T) {
	b, err := hex.DecodeString(strings.ReplaceAll(golden, " ", ""))
	must(t, err)
	e := entry{version: 1, key: "@shop:basket", value: []byte("three pears"), expires: 4102444800000000000, created: 1767225600000000123}
	if !bytes.Equal(e.bytes(), b) {
		t.Errorf("these tests write\n%x; want\n%x", e.bytes(), b)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "larder.v1", "36", "b6ddeca8f9e09df564ec361465d667abc97b341f093260f1cd57ca8d49b0ede8")
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, b, 0o600))
	s := open(t, dir, nil)
	for range 4 {
		wantBytes(t, s, e.key, e.value)
	}
	left := time.Until(time.Unix(0, e.expires))
	if ttl, found, err := s.TTL(t.Context(), e.key); err != nil || !found || (ttl-left).Abs() > time.Minute {
		t.Errorf("TTL = %v, %t, %v; want about %v", ttl, found, err, left)
	}
	if all := keysOf(t, s); len(all) != 1 || !all[e.key] {
		t.Errorf("Keys yields %v; want %q", all, e.key)
	}
}

// Their sums are right: these are what nobody writes by accident.
func TestAFileThatIsNotAsTheTableHasItIsAMissThoughItsSumsAreRight(t *testing.T) {
	valid := entry{version: 1, key: "key", value: []byte("value"), expires: never, created: 1}
	for name, change := range map[string]func(e *entry) (key string){
		"version 0":              func(e *entry) string { e.version = 0; return e.key },
		"version 2":              func(e *entry) string { e.version = 2; return e.key },
		"byte 9 is not 0":        func(e *entry) string { e.reserved = 1; return e.key },
		"another key":            func(e *entry) string { e.key = "kez"; return "key" },
		"a longer key":           func(e *entry) string { e.key = "key2"; return "key" },
		"a value that is longer": func(e *entry) string { e.value = make([]byte, cache.MaxValueLen+1); return e.key },
		"a key that is longer":   func(e *entry) string { e.key = strings.Repeat("k", 4097); return e.key },
		"it expired":             func(e *entry) string { e.expires = 1; return e.key },
		"it expired long ago":    func(e *entry) string { e.expires = math.MinInt64; return e.key },
	} {
		t.Run(name, func(t *testing.T) {
			e, dir := valid, t.TempDir()
			key := change(&e)
			path := putFile(t, dir, key, e.bytes())
			s := open(t, dir, nil)
			if all := keysOf(t, s); len(all) != 0 {
				t.Errorf("Keys yields %d keys; want none", len(all))
			}
			for range 4 {
				wantMiss(t, s, key)
				if found, err := s.Exists(t.Context(), key); found || err != nil {
					t.Errorf("Exists = %t, %v; want false", found, err)
				}
			}
			// In the place of a file that is mapped, too.
			if len(key) == 3 {
				must(t, s.Set(t.Context(), key, []byte("value"), cache.Forever))
				for range 3 {
					wantBytes(t, s, key, []byte("value"))
				}
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				must(t, err)
				_, err = f.Write(e.bytes())
				must(t, err)
				must(t, f.Close())
				wantMiss(t, s, key)
			}
		})
	}
}
