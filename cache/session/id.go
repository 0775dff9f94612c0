package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const (
	idBytes = 32
	// textLen is the length of 32 bytes as base64url.
	textLen = 43
)

// newID returns an id that nobody can guess: 256 bits, as base64url. It is what the cookie has and the store has not.
func newID() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // it ends the process rather than fail
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isID reports whether s is written as newID writes ids. Of the ways to write the same bytes only one is taken.
func isID(s string) bool {
	_, ok := parse32(s)
	return ok
}

// parse32 reads 32 bytes of base64url in their canonical form: the two bits that are left over in the last character are 0.
func parse32(s string) (b [idBytes]byte, ok bool) {
	if len(s) != textLen {
		return b, false
	}
	var text [textLen]byte
	copy(text[:], s)
	var buffer [idBytes + 1]byte
	n, err := base64.RawURLEncoding.Strict().Decode(buffer[:], text[:])
	return [idBytes]byte(buffer[:]), err == nil && n == idBytes // the decoder skips line ends, which would make it shorter
}

// hash is the SHA-256 of an id, as its cookie has it: what the store and tools know a session by. Who reads the store can use nobody's session.
type hash [sha256.Size]byte

func hashOf(id string) hash {
	var text [textLen]byte
	copy(text[:], id)
	return sha256.Sum256(text[:])
}

func (h *hash) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// The kinds of keys. Each is followed by 32 bytes as base64url, but for that of the mark that Clear leaves.
const (
	sessionKey = "s."
	userKey    = "u."
	clearedKey = "c.cleared"
)

func (h *hash) key() string {
	var b [len(sessionKey) + textLen]byte
	copy(b[:], sessionKey)
	base64.RawURLEncoding.Encode(b[len(sessionKey):], h[:])
	return string(b[:])
}

// userKeyOf is the key of the index of a user's sessions: a name may be longer than a key, and is nobody's business.
func userKeyOf(user string) string {
	sum := sha256.Sum256([]byte(user))
	return userKey + base64.RawURLEncoding.EncodeToString(sum[:])
}
