package memstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// maxKeyLen is the longest key, in bytes: what a record of 4 KiB has beside its header.
const maxKeyLen = 4096 - 20

// valueOf returns a value of n bytes. It differs from that of 1 to 255 bytes more or fewer in its first byte already.
func valueOf(n int) []byte {
	value := make([]byte, n)
	written := min(n, 64<<10)
	for i := range written {
		value[i] = byte(i + n + i/251)
	}
	for ; written > 0 && written < n; written *= 2 {
		copy(value[written:], value[:written])
	}
	return value
}

// lengths are 0 to 4,200 bytes, which is on both sides of every border between sizes of rooms, and some that are far above.
func lengths() []int {
	all := []int{64 << 10, 1 << 20}
	for n := range 4_201 {
		all = append(all, n)
	}
	return all
}

func wantValue(t *testing.T, how string, got []byte, found bool, err error, want []byte) {
	t.Helper()
	if err != nil || !found || !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes, %t, %v; want the %d that were set", how, len(got), found, err, len(want))
	}
}

func wantSound(t *testing.T, s *memstore.Store) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
}

// readEveryWay reads the key through all that returns a value.
func readEveryWay(t *testing.T, s *memstore.Store, key string, want []byte) {
	t.Helper()
	ctx := t.Context()
	got, found, err := s.Get(ctx, key)
	wantValue(t, "Get", got, found, err, want)
	got, found, err = s.GetAppend(ctx, []byte("to "), key)
	wantValue(t, "GetAppend without room", got, found, err, append([]byte("to "), want...))
	dst := append(make([]byte, 0, len(want)+3), "to "...)
	got, found, err = s.GetAppend(ctx, dst, key)
	wantValue(t, "GetAppend with room", got, found, err, append([]byte("to "), want...))
	if &got[0] != &dst[0] {
		t.Fatalf("GetAppend with room for %d bytes left its dst", len(want))
	}
	got, found, err = s.GetAndRenew(ctx, key, time.Hour)
	wantValue(t, "GetAndRenew", got, found, err, want)
	many, err := s.GetMany(ctx, []string{key})
	wantValue(t, "GetMany", many[key], many[key] != nil, err, want)
}

func TestAValueOfEveryLengthIsReadAsItWasSet(t *testing.T) {
	for _, key := range []string{"k", strings.Repeat("key", 30)} {
		s, _ := openAt(t, nil)
		set(t, s, "other", "value", time.Hour)
		for i, n := range lengths() {
			value := valueOf(n)
			if err := s.Set(t.Context(), key, value, time.Hour); err != nil {
				t.Fatal(err)
			}
			readEveryWay(t, s, key, value)
			if i%64 == 0 {
				wantSound(t, s)
			}
			if i%2 == 0 { // else the next overwrites it
				if err := s.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
				wantMiss(t, s, key)
			}
		}
		want(t, s, "other", "value")
		wantSound(t, s)
	}
}

func TestAValueOf64MiBIsReadAsItWasSet(t *testing.T) {
	s, _ := openAt(t, nil)
	value := valueOf(64 << 20)
	if err := s.Set(t.Context(), "key", value, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, found, err := s.Get(t.Context(), "key")
	wantValue(t, "Get", got, found, err, value)
	got, found, err = s.GetAppend(t.Context(), got[:0], "key")
	wantValue(t, "GetAppend", got, found, err, value)
	wantSound(t, s)
	if err := s.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, s, "key")
	if st := stats(t, s); st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("%+v; want nothing", st)
	}
}

func TestAValueOfAnyLengthReplacesOneOfAnyOther(t *testing.T) {
	// In rooms of the same size, of other sizes, apart from their records, and from each to each.
	some := []int{0, 1, 3, 4, 43, 44, 500, 507, 508, 2_000, 4_074, 4_075, 4_076, 5_000, 64 << 10}
	for _, ttl := range []time.Duration{time.Hour, cache.Forever} {
		s, _ := openAt(t, nil)
		set(t, s, "other", "value", ttl)
		for _, from := range some {
			for _, to := range some {
				for how, overwrite := range map[string]func(value []byte) error{
					"Set":            func(value []byte) error { return s.Set(t.Context(), "k", value, ttl) },
					"Set keeping":    func(value []byte) error { return s.Set(t.Context(), "k", value, cache.KeepTTL) },
					"SetMany":        func(value []byte) error { return s.SetMany(t.Context(), map[string][]byte{"k": value}, ttl) },
					"CompareAndSwap": func(value []byte) error { return swap(t, s, "k", valueOf(from), value, ttl) },
				} {
					set(t, s, "k", string(valueOf(from)), ttl)
					if err := overwrite(valueOf(to)); err != nil {
						t.Fatalf("%s of %d bytes over %d: %v", how, to, from, err)
					}
					got, found, err := s.Get(t.Context(), "k")
					wantValue(t, fmt.Sprintf("Get after %s over %d bytes", how, from), got, found, err, valueOf(to))
				}
				wantSound(t, s)
			}
		}
		want(t, s, "other", "value")
	}
}

func swap(t *testing.T, s *memstore.Store, key string, old, replacement []byte, ttl time.Duration) error {
	swapped, err := s.CompareAndSwap(t.Context(), key, old, replacement, ttl)
	if err == nil && !swapped {
		err = errors.New("not swapped")
	}
	return err
}

func TestTheStoreSharesNoMemoryWithWhoSetsOrGets(t *testing.T) {
	ctx := t.Context()
	for _, n := range []int{1, 10, 300, 4_075, 4_076, 100_000} {
		for how, write := range map[string]func(s *memstore.Store, value []byte) error{
			"Set": func(s *memstore.Store, value []byte) error { return s.Set(ctx, "k", value, time.Hour) },
			"Set over another": func(s *memstore.Store, value []byte) error {
				set(t, s, "k", "old", time.Hour)
				return s.Set(ctx, "k", value, time.Hour)
			},
			"SetMany": func(s *memstore.Store, value []byte) error {
				return s.SetMany(ctx, map[string][]byte{"k": value}, time.Hour)
			},
			"Add": func(s *memstore.Store, value []byte) error {
				_, err := s.Add(ctx, "k", value, time.Hour)
				return err
			},
			"CompareAndSwap": func(s *memstore.Store, value []byte) error {
				set(t, s, "k", "old", time.Hour)
				return swap(t, s, "k", []byte("old"), value, time.Hour)
			},
		} {
			t.Run(fmt.Sprintf("%d bytes, %s", n, how), func(t *testing.T) {
				s, _ := openAt(t, nil)
				value := valueOf(n)
				if err := write(s, value); err != nil {
					t.Fatal(err)
				}
				clear(value)
				for how, read := range map[string]func() []byte{
					"Get":         func() []byte { got, _, _ := s.Get(ctx, "k"); return got },
					"GetAppend":   func() []byte { got, _, _ := s.GetAppend(ctx, nil, "k"); return got },
					"GetAndRenew": func() []byte { got, _, _ := s.GetAndRenew(ctx, "k", time.Hour); return got },
					"GetMany":     func() []byte { got, _ := s.GetMany(ctx, []string{"k"}); return got["k"] },
				} {
					wantValue(t, how, read(), true, nil, valueOf(n))
					got := read()
					clear(got[:cap(got)])
					wantValue(t, how+" after what it had returned was changed", read(), true, nil, valueOf(n))
				}
				wantSound(t, s)
			})
		}
	}
}

func TestAKeyThatIsTooLongIsNamedWithItsLengthAndChangesNothing(t *testing.T) {
	ctx, long := t.Context(), strings.Repeat("k", maxKeyLen+1)
	for op, write := range map[string]func(s *memstore.Store) error{
		"Set":       func(s *memstore.Store) error { return s.Set(ctx, long, []byte("value"), time.Hour) },
		"Set large": func(s *memstore.Store) error { return s.Set(ctx, long, make([]byte, 10_000), time.Hour) },
		"SetMany":   func(s *memstore.Store) error { return s.SetMany(ctx, map[string][]byte{long: nil}, cache.Forever) },
		"Add":       func(s *memstore.Store) error { _, err := s.Add(ctx, long, nil, time.Hour); return err },
		"Increment": func(s *memstore.Store) error { _, err := s.Increment(ctx, long, 1, time.Hour); return err },
		"Take": func(s *memstore.Store) error {
			_, err := s.Take(ctx, long, []cache.Limit{{Requests: 1, Period: time.Hour}}, 1)
			return err
		},
	} {
		t.Run(op, func(t *testing.T) {
			s, _ := openAt(t, &memstore.Options{MaxEntries: 3})
			set(t, s, "a", "value", time.Minute)
			set(t, s, "b", "value", cache.Forever)
			if op != "Take" { // which looks for room first
				set(t, s, "c", "value", time.Hour)
			}
			before := stats(t, s)
			err := write(s)
			if !errors.Is(err, cache.ErrInvalidKey) || !strings.Contains(err.Error(), "4077") || !strings.Contains(err.Error(), "4076") {
				t.Errorf("%.200v; want ErrInvalidKey with the key's 4077 bytes and the 4076 allowed", err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if after := stats(t, s); after != before {
				t.Errorf("%+v; before %+v", after, before)
			}
			want(t, s, "a", "value")
			want(t, s, "b", "value")
			wantSound(t, s)
		})
	}
}

func TestAKeyThatIsTooLongIsAbsent(t *testing.T) {
	ctx, long := t.Context(), strings.Repeat("k", maxKeyLen+1)
	s, _ := openAt(t, nil)
	set(t, s, long[1:], "value", time.Hour) // the longest
	wantMiss(t, s, long)
	if err := s.Delete(ctx, long); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if found, err := s.Touch(ctx, long, time.Hour); found || err != nil {
		t.Errorf("Touch = %t, %v", found, err)
	}
	if swapped, err := s.CompareAndSwap(ctx, long, nil, nil, time.Hour); swapped || err != nil {
		t.Errorf("CompareAndSwap = %t, %v", swapped, err)
	}
	want(t, s, long[1:], "value")
	if keys := collect(t, s, ""); !slices.Equal(keys, []string{long[1:]}) {
		t.Errorf("%d keys; want the longest", len(keys))
	}
}

func TestGetAppendOnAMissIsDstUnchanged(t *testing.T) {
	s, now := openAt(t, nil)
	set(t, s, "expired", "a value", time.Second)
	set(t, s, "expired large", strings.Repeat("v", 5_000), time.Second)
	*now = time.Second
	const before = "dst and what is behind it"
	for _, key := range []string{"absent", "expired", "expired large"} {
		for _, n := range []int{0, 3, len(before)} {
			dst := append(make([]byte, 0, 10_000), before...)
			got, found, err := s.GetAppend(t.Context(), dst[:n], key)
			if found || err != nil || len(got) != n || cap(got) != cap(dst) || &got[:1][0] != &dst[0] || string(got[:len(before)]) != before {
				t.Errorf("GetAppend of the %s = %q of %d, %t, %v; want the same %q of %d", key, got, cap(got), found, err, before[:n], cap(dst))
			}
		}
		if got, found, err := s.GetAppend(t.Context(), nil, key); got != nil || found || err != nil {
			t.Errorf("GetAppend of the %s to nil = %q, %t, %v; want nil", key, got, found, err)
		}
	}
}

func TestManyLargeValuesComeAndGo(t *testing.T) {
	s, _ := openAt(t, &memstore.Options{MaxEntries: 20})
	left := map[string][]byte{}
	for i := range 200 {
		key, value := fmt.Sprint(i%50), valueOf(3_900+i*7)
		if err := s.Set(t.Context(), key, value, time.Duration(1+i)); err != nil { // so the victim is who was set longest ago
			t.Fatal(err)
		}
		left[key] = value
		if i >= 20 {
			delete(left, fmt.Sprint((i-20)%50))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		got, found, err := s.Get(t.Context(), key)
		wantValue(t, "Get "+key, got, found, err, left[key])
	}
	wantSound(t, s)
	if n := stats(t, s).Entries; n != 20 || len(left) != 20 {
		t.Errorf("%d entries, %d of them known; want 20", n, len(left))
	}
}
