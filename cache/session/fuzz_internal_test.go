package session

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func FuzzAnIDIsReadInOneSpellingOnly(f *testing.F) {
	for _, s := range []string{newID(), "", strings.Repeat("A", 43), strings.Repeat("A", 42) + "B", strings.Repeat("A", 42) + "\n", strings.Repeat("A", 41) + "\r\n", strings.Repeat("A", 43) + "=", strings.Repeat("+", 43), strings.Repeat("\xff", 43)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, ok := parse32(s)
		if again := base64.RawURLEncoding.EncodeToString(b[:]); ok && again != s {
			t.Errorf("%q is read, and written as %q", s, again)
		}
		if !ok && len(s) == 43 {
			raw, err := base64.RawURLEncoding.DecodeString(s)
			if err == nil && base64.RawURLEncoding.EncodeToString(raw) == s {
				t.Errorf("%q is not read", s)
			}
		}
	})
}

func FuzzARecordIsWhatItWasOrNone(f *testing.F) {
	full := record{created: 1, expires: 3, seen: 2, revision: 4, user: "alice", data: []byte(`{"a":1}`)}
	empty := record{}
	moved := encodeMoved(&hash{1, 2, 3})
	for _, b := range [][]byte{nil, full.encode(), empty.encode(), moved, moved[:20], full.encode()[:fixedLen], []byte("lses\x01d"), append(empty.encode()[:fixedLen], 0x80, 0), append(empty.encode()[:fixedLen], bytes.Repeat([]byte{0xff}, 12)...)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, isSession, to, isMoved := decodeRecord(raw)
		if isSession && isMoved {
			t.Fatal("it is a session and where one has gone")
		}
		if isSession && !bytes.Equal(r.encode(), raw) || isMoved && !bytes.Equal(encodeMoved(&to), raw) {
			t.Errorf("%x is read as %+v, %x", raw, r, to)
		}
		if isSession && (r.expires < r.created || r.seen < r.created || r.created < 0 || len(r.user) > maxUser || r.data != nil && len(r.data) == 0) {
			t.Errorf("%+v cannot be", r)
		}
	})
}

func FuzzAnIndexIsWhatItWasOrListsNothing(f *testing.F) {
	two := index{{id: hash{1}, listed: 1, expires: 2}, {id: hash{2}, listed: 3, expires: 4, ending: true}}
	for _, b := range [][]byte{nil, {}, two.encode(), index{}.encode(), two.encode()[:60], []byte("lusr\x02")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		x := decodeIndex(raw)
		if len(x) > 0 && !bytes.Equal(x.encode(), raw) {
			t.Errorf("%x is read as %+v", raw, x)
		}
	})
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, r := range []record{{}, {created: 1, expires: 3, seen: 2, revision: 1 << 63, user: strings.Repeat("u", maxUser), data: []byte("null")}} {
		got, ok, _, _ := decodeRecord(r.encode())
		if !ok || got.created != r.created || got.expires != r.expires || got.seen != r.seen || got.revision != r.revision || got.user != r.user || !bytes.Equal(got.data, r.data) {
			t.Errorf("%+v is read as %+v, %v", r, got, ok)
		}
	}
	x := index{{id: hash{1}, listed: 1, expires: 2}, {id: hash{2}, listed: 3, expires: 4, ending: true}}
	if got := decodeIndex(x.encode()); len(got) != 2 || got[0] != x[0] || got[1] != x[1] {
		t.Errorf("%+v is read as %+v", x, got)
	}
	if _, _, to, moved := decodeRecord(encodeMoved(&hash{7})); !moved || to != (hash{7}) {
		t.Errorf("where it has gone is read as %x, %v", to, moved)
	}
	for _, bad := range []string{"", "\x01", "\x02\x00\x00\x00\x00\x00\x00\x00\x01", strings.Repeat("\x01", 10)} {
		if at, ok := decodeCleared([]byte(bad)); ok {
			t.Errorf("the mark %q is read as %d", bad, at)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newID()
		if !isID(id) || seen[id] {
			t.Fatalf("%q is no new id", id)
		}
		seen[id] = true
	}
}
