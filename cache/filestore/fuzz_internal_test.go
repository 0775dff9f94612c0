package filestore

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// seal puts the sums right, as far as there is a place for them: no fuzzer finds them by trying.
func seal(b []byte) {
	if len(b) < headerLen {
		return
	}
	end := min(len(b), headerLen+int(binary.LittleEndian.Uint16(b[atKeyLen:])))
	binary.LittleEndian.PutUint32(b[atValueSum:], sum(b[end:]))
	binary.LittleEndian.PutUint32(b[atHeadSum:], headSum(b[:end]))
}

func FuzzDecode(f *testing.F) {
	valid := encode("key", []byte("value"), permanent, 1)
	f.Add(valid, false)
	f.Add([]byte{}, false)
	f.Add(make([]byte, 50), false)
	f.Add([]byte(magic), false)
	f.Add(valid[:headerLen], true)
	f.Add(valid[:20], false)
	f.Add(encode("key", nil, 0, -1), false)
	for at, c := range map[int]byte{atVersion: 0, atVersion + 1: 1, atKeyLen: 8, atKeyLen + 1: 0xff, atValueLen: 4, atValueLen + 3: 0xff} {
		b := bytes.Clone(valid)
		b[at] = c
		f.Add(b, true)
	}
	next := bytes.Clone(valid)
	next[atVersion] = 2
	f.Add(next, true)
	f.Add(next[:12], false)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			seal(b)
		}
		size := int64(len(b))
		h, k := decodeHead(b, size)
		ours := bytes.HasPrefix(b, []byte(magic))
		if is := ours && len(b) > atVersion && b[atVersion] > version; is != (k == newer) {
			t.Errorf("its kind is %d; that it is newer is %t", k, is)
		}
		if k == foreign && (ours || blank(b)) {
			t.Error("it is foreign, though it begins as ours do or has nothing")
		}
		if k != whole {
			return
		}
		for _, other := range []int64{size + 1, 2*size + 1, size + 1<<32} {
			if _, k := decodeHead(b, other); k == whole {
				t.Errorf("of %d bytes the first %d are whole", other, size)
			}
		}
		if first, k := decodeHead(b[:headerLen+h.keyLen], size); k != whole || first != h {
			t.Errorf("of its head alone the kind is %d, and the head %v; want %v", k, first, h)
		}
		if sum(h.valueIn(b)) != h.valueSum {
			return
		}
		if again := encode(string(h.keyIn(b)), h.valueIn(b), h.expires, h.created); !bytes.Equal(again, b) {
			t.Errorf("it is whole, but would be written\n%x; it is\n%x", again, b)
		}
	})
}
