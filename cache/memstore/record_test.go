package memstore

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// fields are what a record's header holds.
type fields struct {
	expires  time.Duration
	serial   uint64
	slot     uint32
	keyLen   int
	valueLen int
}

func (r record) fields() fields {
	w := r.word()
	return fields{r.expires(), r.serial(), r.slot(), r.keyLen(), int(w >> 12 & lenMask)}
}

func TestEveryFieldOfARecordSurvivesTheSettingOfTheOthers(t *testing.T) {
	const lastSerial = 1<<serialBits - 1
	none := fields{}
	all := fields{math.MaxInt64, lastSerial, math.MaxUint32, lenMask, apart}
	alternating := fields{0x2aaa_aaaa_aaaa_aaaa, 0xaa_aaaa_aaaa, 0x5555_5555, 0x555, 0xaaa}
	permanents := fields{permanent + lastSerial, 1, 1, maxKeyLen, 0}
	for _, before := range []fields{none, all, alternating, permanents} {
		for _, after := range []fields{none, all, alternating, permanents} {
			r := make(record, headerLen+1)
			r[headerLen] = 0x99
			r.setExpires(before.expires)
			r.setWord(before.serial, before.valueLen, before.keyLen)
			r.setSlot(before.slot)
			want := before
			same := func(set string) {
				t.Helper()
				if got := r.fields(); got != want || r[headerLen] != 0x99 {
					t.Errorf("after %s: %+v, and %#x behind; want %+v, and 0x99", set, got, r[headerLen], want)
				}
			}
			same("all were set")
			r.setExpires(after.expires)
			want.expires = after.expires
			same("setExpires")
			r.setSlot(after.slot)
			want.slot = after.slot
			same("setSlot")
			r.setWord(before.serial, after.valueLen, after.keyLen)
			want.serial, want.valueLen, want.keyLen = before.serial, after.valueLen, after.keyLen
			same("setWord")
		}
	}
}

func TestARecordKeepsTheLowBitsOfItsSerial(t *testing.T) {
	r := make(record, headerLen)
	r.setWord(1<<serialBits+5, 6, 7)
	if got, want := r.fields(), (fields{serial: 5, valueLen: 6, keyLen: 7}); got != want {
		t.Errorf("setWord of a serial past %d bits: %+v; want %+v", serialBits, got, want)
	}
}

func TestKeyAndValueLieInTheRecordAtEveryLength(t *testing.T) {
	room := make(record, maxUnits*unit)
	for i := headerLen; i < len(room); i++ {
		room[i] = byte(i * 7)
	}
	for keyLen := range maxKeyLen + 1 {
		most := maxKeyLen - keyLen // of a value that is part of the record
		for _, valueLen := range []int{0, min(1, most), most / 2, max(most-1, 0), most} {
			room.setWord(0, valueLen, keyLen)
			begin := headerLen + keyLen
			switch key, value := room.key(), room.value(); {
			case string(key) != string(room[headerLen:begin]):
				t.Fatalf("a key of %d bytes beside a value of %d is read as %d", keyLen, valueLen, len(key))
			case string(value) != string(room[begin:begin+valueLen]):
				t.Fatalf("a value of %d bytes behind a key of %d is read as %d", valueLen, keyLen, len(value))
			case room.isApart():
				t.Fatalf("a value of %d bytes behind a key of %d counts as apart", valueLen, keyLen)
			}
		}
		room.setWord(0, apart, keyLen)
		if !room.isApart() || len(room.key()) != keyLen {
			t.Fatalf("apart, with a key of %d bytes: apart %v, %d bytes", keyLen, room.isApart(), len(room.key()))
		}
	}
}

func TestARecordNeedsTheRoomThatWasMadeForIt(t *testing.T) {
	r := make(record, headerLen)
	for keyLen := range maxKeyLen + 1 {
		border := maxKeyLen - keyLen // the longest value inside
		for _, valueLen := range []int{0, 1, 7, 8, 9, border / 2, border - 1, border, border + 1, border + unit, 1 << 26} {
			if valueLen < 0 {
				continue
			}
			inside, recorded := valueLen, valueLen
			if valueLen > border {
				inside, recorded = 0, apart
			}
			if got := staysApart(keyLen, valueLen); got != (valueLen > border) {
				t.Fatalf("a value of %d bytes behind a key of %d stays apart: %v", valueLen, keyLen, got)
			}
			want := (headerLen + keyLen + inside + 7) / 8
			r.setWord(math.MaxUint64, recorded, keyLen)
			if got := unitsFor(keyLen, valueLen); got != want || r.units() != want || got > maxUnits {
				t.Fatalf("%d units are made for a key of %d and a value of %d, and %d needed; want %d", got, keyLen, valueLen, r.units(), want)
			}
		}
	}
}

func TestTheStoreKeepsAValueApartFromTheFirstByteTooMany(t *testing.T) {
	for _, keyLen := range []int{1, 100, 4000, maxKeyLen - 1, maxKeyLen} {
		for _, beyond := range []int{-1, 0, 1} {
			valueLen := maxKeyLen - keyLen + beyond
			if valueLen < 0 {
				continue
			}
			t.Run(fmt.Sprintf("a key of %d bytes and a value of %d", keyLen, valueLen), func(t *testing.T) {
				s := newStill(t, nil)
				key, value := strings.Repeat("k", keyLen), strings.Repeat("v", valueLen)
				if err := s.Set(t.Context(), key, []byte(value), time.Hour); err != nil {
					t.Fatal(err)
				}
				e := s.entry(key)
				if s.find(&e); !e.there || e.record.isApart() != (beyond > 0) {
					t.Errorf("there: %v, apart: %v; want apart: %v", e.there, e.record.isApart(), beyond > 0)
				}
				if got, _, err := s.Get(t.Context(), key); err != nil || string(got) != value {
					t.Errorf("Get has %d bytes, %v; want the %d", len(got), err, valueLen)
				}
				if err := s.Check(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestANumberBesideALongKeyIsItsOwn(t *testing.T) {
	s := newStill(t, nil)
	a, b := strings.Repeat("a", maxKeyLen), strings.Repeat("b", maxKeyLen)
	for range 3 {
		for key, delta := range map[string]int64{a: 100, b: -7} {
			if _, err := s.Increment(t.Context(), key, delta, cache.Forever); err != nil {
				t.Fatal(err)
			}
		}
	}
	for key, want := range map[string]string{a: "300", b: "-21"} {
		if got, _, _ := s.Get(t.Context(), key); string(got) != want {
			t.Errorf("%.1s…: %q; want %q", key, got, want)
		}
	}
}

// newStill returns a store whose clock stands at 0.
func newStill(t *testing.T, o *Options) *Store {
	t.Helper()
	s, err := newAt(o, func() time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	return s
}
