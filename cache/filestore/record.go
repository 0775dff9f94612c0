package filestore

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
)

// The bytes of an entry's file. FORMAT.md beside this file is their specification.
const (
	magic      = "\x89LARDER\n"
	version    = 1
	headerLen  = 40
	maxKeyLen  = 4096 // a store's keys have up to about 1,700 bytes
	maxFileLen = headerLen + maxKeyLen + cache.MaxValueLen

	atVersion  = 8  // one byte
	atKeyLen   = 10 // two
	atValueLen = 12 // four
	atExpires  = 16 // eight: Unix time in nanoseconds
	atCreated  = 24 // eight
	atValueSum = 32 // four: CRC-32C of the value
	atHeadSum  = 36 // four: CRC-32C of the bytes before it, and of the key
)

// permanent is the expiry of an entry that has none.
const permanent = math.MaxInt64

// head is what a file says of its entry.
type head struct {
	expires  int64 // Unix time in nanoseconds, or permanent
	created  int64 // when the call began that stored the value
	keyLen   int
	valueLen int
	valueSum uint32
}

// kind is what a file proves to be.
type kind int

const (
	whole   kind = iota // an entry
	damaged             // was one, or was to become one
	foreign             // none of ours
	newer               // an entry of a version that this code does not know
)

// encode returns the bytes of a file.
func encode(key string, value []byte, expires, created int64) []byte {
	b := make([]byte, headerLen, headerLen+len(key)+len(value))
	copy(b, magic)
	b[atVersion] = version
	binary.LittleEndian.PutUint16(b[atKeyLen:], uint16(len(key)))
	binary.LittleEndian.PutUint32(b[atValueLen:], uint32(len(value)))
	binary.LittleEndian.PutUint64(b[atExpires:], uint64(expires))
	binary.LittleEndian.PutUint64(b[atCreated:], uint64(created))
	binary.LittleEndian.PutUint32(b[atValueSum:], sum(value))
	b = append(b, key...)
	binary.LittleEndian.PutUint32(b[atHeadSum:], headSum(b))
	return append(b, value...)
}

// decodeHead reads the head of a file that has size bytes and begins with b: the whole of its header and key where the file has them.
func decodeHead(b []byte, size int64) (head, kind) {
	if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
		if int64(len(b)) == size && blank(b) {
			return head{}, damaged
		}
		return head{}, foreign
	}
	if len(b) > atVersion && b[atVersion] > version { // first: its head may be shorter
		return head{}, newer
	}
	if len(b) < headerLen {
		return head{}, damaged
	}
	h := head{
		expires:  int64(binary.LittleEndian.Uint64(b[atExpires:])),
		created:  int64(binary.LittleEndian.Uint64(b[atCreated:])),
		keyLen:   int(binary.LittleEndian.Uint16(b[atKeyLen:])),
		valueLen: int(binary.LittleEndian.Uint32(b[atValueLen:])),
		valueSum: binary.LittleEndian.Uint32(b[atValueSum:]),
	}
	end := headerLen + h.keyLen
	if b[atVersion] != version || b[atVersion+1] != 0 || h.keyLen > maxKeyLen || h.valueLen > cache.MaxValueLen || int64(end)+int64(h.valueLen) != size || end > len(b) ||
		headSum(b[:end]) != binary.LittleEndian.Uint32(b[atHeadSum:]) {
		return head{}, damaged
	}
	return h, whole
}

// blank tells whether there is nothing in b: the system can leave a file so when the power fails.
func blank(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// keyIn returns the key in the bytes of a file whose head is h.
func (h *head) keyIn(b []byte) []byte { return b[headerLen : headerLen+h.keyLen] }

// valueIn returns the value in the bytes of a file whose head is h, not yet checked against its sum.
func (h *head) valueIn(b []byte) []byte {
	at := headerLen + h.keyLen
	return b[at : at+h.valueLen : at+h.valueLen]
}

// ttl returns what remains at the time now, 0 where nothing does.
func (h *head) ttl(now int64) time.Duration {
	if h.expires <= now { // their difference could be too large
		return 0
	}
	if h.expires == permanent {
		return cache.Forever
	}
	return time.Duration(h.expires - now)
}

// expiry returns when an entry expires that is stored now.
func expiry(now int64, ttl time.Duration) int64 {
	if ttl == cache.Forever {
		return permanent
	}
	if int64(ttl) >= permanent-now {
		return permanent - 1 // in the year 2262
	}
	return now + int64(ttl)
}

// weight is what a file of that size counts for against MaxBytes.
func weight(size int64) int64 {
	const block = 4096
	return (size + block - 1) / block * block
}

// castagnoli is the table of CRC-32C, which is made once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli()) }

// headSum is the sum of a header, less the field of the sum itself, and the key behind it.
func headSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:atHeadSum], castagnoli()), castagnoli(), b[headerLen:])
}
