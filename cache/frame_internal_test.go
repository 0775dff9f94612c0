package cache

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func frames() map[string]frame {
	return map[string]frame{
		"a value":            {flags: flagValue, value: []byte("value")},
		"an empty one":       {flags: flagValue, value: []byte{}},
		"soft":               {flags: flagValue | flagSoft, fresh: 1, staleFor: 2, staleIfError: 3, value: []byte("value")},
		"negative":           {flags: flagNegative | flagSoft, fresh: math.MaxInt64, value: nil},
		"a lease":            {flags: flagLease, token: [16]byte{1, 2, 3}, deadline: 4},
		"a lease on a value": {flags: flagLease | flagValue | flagSoft, fresh: 9, staleFor: int64(maxRenewal), token: [16]byte{5}, deadline: 6, value: []byte("v")},
		"tagged": {flags: flagValue | flagTags | flagSchema, schema: math.MaxUint32, value: []byte("v"),
			tags: []tag{{"a", []uint64{1, 2}}, {"b", []uint64{3, 4}}}},
	}
}

func TestFramesComeBack(t *testing.T) {
	for name, f := range frames() {
		got, err := decodeFrame(f.encode())
		if diff := cmp.Diff(f, got, cmp.AllowUnexported(frame{}, tag{})); diff != "" || err != nil {
			t.Errorf("%s: %v; (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestWhatIsCutShortOrOfAnotherVersionIsNoFrame(t *testing.T) {
	for name, f := range frames() {
		raw := f.encode()
		for n := range len(raw) - len(f.value) {
			if got, err := decodeFrame(raw[:n]); err == nil {
				t.Errorf("%s, cut after %d bytes, is %+v", name, n, got)
			}
		}
		for _, version := range []byte{0, 2, 255} {
			other := bytes.Clone(raw)
			other[len(magic)] = version
			if got, err := decodeFrame(other); err == nil {
				t.Errorf("%s of version %d is %+v", name, version, got)
			}
		}
	}
}

func TestAFrameWithATimeBefore1970IsAbsent(t *testing.T) {
	for _, at := range []int64{-1, math.MinInt64} { // the distance of the latter from now overflows, to a long time that is left
		for name, f := range map[string]frame{
			"a value":            {flags: flagValue | flagSoft, fresh: at, staleFor: int64(maxRenewal), value: []byte("value")},
			"that it is not":     {flags: flagNegative | flagSoft, fresh: at},
			"a lease":            {flags: flagLease, deadline: at},
			"a lease on a value": {flags: flagLease | flagValue | flagSoft, fresh: math.MaxInt64, deadline: at, value: []byte("value")},
		} {
			if s := judgeFrame(f.encode()); s.standing != absent || s.isLeased() {
				t.Errorf("%s, of %d, stands as %d, leased: %t; want it absent", name, at, s.standing, s.isLeased())
			}
		}
	}
}

// FuzzFrame holds that any bytes are a frame that means the same when it is encoded anew, or none, and that nothing panics on them.
func FuzzFrame(f *testing.F) {
	for _, fr := range frames() {
		f.Add(fr.encode())
	}
	f.Add([]byte(magic))
	f.Add([]byte(magic + "\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := judgeFrame(raw)
		if s.standing != absent && s.standing != negative && s.value == nil {
			t.Errorf("%q stands as %d without a value", raw, s.standing)
		}
		fr, err := decodeFrame(raw)
		if err != nil {
			if s.standing != absent {
				t.Errorf("%q is no frame and stands as %d", raw, s.standing)
			}
			return
		}
		if d := fr.life(time.Now().UnixNano()); d <= 0 {
			t.Errorf("%q is to be kept for %v", raw, d)
		}
		again, err := decodeFrame(fr.encode())
		if diff := cmp.Diff(fr, again, cmp.AllowUnexported(frame{}, tag{})); diff != "" || err != nil {
			t.Errorf("%q: %v; encoded anew it is another (-before +after):\n%s", raw, err, diff)
		}
	})
}

// FuzzConceal holds that what Set stores is what Get returns.
func FuzzConceal(f *testing.F) {
	f.Add([]byte("value"))
	f.Add([]byte(magic))
	f.Add(conceal([]byte(magic)))
	f.Fuzz(func(t *testing.T, value []byte) {
		raw := conceal(value)
		if !isFramed(value) {
			if !bytes.Equal(raw, value) {
				t.Errorf("%q is stored as %q", value, raw)
			}
			return
		}
		if s := judgeFrame(raw); s.standing != fresh || !bytes.Equal(s.value, value) || s.isSpecial() {
			t.Errorf("%q is stored as %q, which is %q", value, raw, s.value)
		}
	})
}

func TestTheLevelsOfANamespace(t *testing.T) {
	c := &Cache{shared: &shared{}}
	for _, want := range [][]string{{""}, {"", "@a:"}, {"", "@a:", "@a:@b-1:"}} {
		if diff := cmp.Diff(want, c.scopes()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		c = c.Namespace([]string{"a", "b-1", "c"}[len(want)-1])
	}
}
